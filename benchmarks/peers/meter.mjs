// What both Node runners share: the command line, the measuring, the answer, as meter.py.
// BENCH_NODE is the directory whose node_modules has the peers.
import fs from "node:fs";
import { createRequire } from "node:module";

export const require = createRequire(process.env.BENCH_NODE + "/package.json");

export class Unsupported extends Error {}

const memory = (name) => {
  const status = fs.readFileSync("/proc/self/status", "ascii");
  return Number(status.match(new RegExp(name + ":\\s+(\\d+)"))[1]) * 1024;
};
const cpuMs = (since) => {
  const used = process.cpuUsage(since);
  return (used.user + used.system) / 1e3;
};
const nowMs = () => Number(process.hrtime.bigint()) / 1e6; // CLOCK_MONOTONIC, as Python's

async function first(work, job) {
  await work(job.source, job.output);
  const cpu_ms = cpuMs();
  const wall_ms = nowMs() - Number(job.began) * 1e3;
  return { cpu_ms, wall_ms, growth_mb: memory("VmHWM") / 1e6 };
}

async function repeated(work, job) {
  if (job.warm) await work(job.warm, job.output);
  fs.writeFileSync("/proc/self/clear_refs", "5");
  const before = memory("VmRSS");
  const cpu = process.cpuUsage();
  const wall = nowMs();
  let result;
  for (let i = 0; i < Number(job.repeat); i++) result = await work(job.source, job.output);
  const cpu_ms = cpuMs(cpu) / Number(job.repeat);
  const wall_ms = (nowMs() - wall) / Number(job.repeat);
  const growth_mb = Math.max(0, memory("VmHWM") - before) / 1e6;
  if (job.op === "pixels") fs.writeFileSync(job.output, result);
  return { cpu_ms, wall_ms, growth_mb };
}

export async function main(make, versions) {
  const pairs = process.argv.slice(2).map((word) => {
    const at = word.indexOf("=");
    return [word.slice(0, at), word.slice(at + 1)];
  });
  const job = Object.fromEntries(pairs);
  let found;
  try {
    const work = make(job);
    found = await (job.op === "first" ? first : repeated)(work, job);
  } catch (error) {
    if (!(error instanceof Unsupported)) throw error;
    found = { unsupported: error.message };
  }
  console.log(JSON.stringify({ ...found, versions: versions() }));
}
