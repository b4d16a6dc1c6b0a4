// Five widths × JPEG 80 and WebP 80 in sharp: ten pipelines, or one decode by hand to the
// largest width as raw pixels and ten from that. Prints CPU ms and growth in MB.
import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.BENCH_NODE + "/package.json");
const sharp = require("sharp");
const [way, source, directory, warm] = process.argv.slice(2);
const WIDTHS = [320, 640, 960, 1280, 1920];

const memory = (name) => {
  const status = fs.readFileSync("/proc/self/status", "ascii");
  return Number(status.match(new RegExp(name + ":\\s+(\\d+)"))[1]) / 1e3;
};

async function make(source, by) {
  let from = () => sharp(source);
  if (by === "hand") {
    const whole = await sharp(source).resize(1920).raw().toBuffer({ resolveWithObject: true });
    from = () => sharp(whole.data, { raw: whole.info });
  }
  for (const width of WIDTHS)
    for (const format of ["jpeg", "webp"])
      await from().resize(width).toFormat(format, { quality: 80 }).toFile(`${directory}/sharp-${width}.${format}`);
}

sharp.cache(false);
sharp.concurrency(1);
await make(warm, way);
fs.writeFileSync("/proc/self/clear_refs", "5");
const before = memory("VmRSS");
const cpu = process.cpuUsage();
const wall = process.hrtime.bigint();
await make(source, way);
const used = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    cpu_ms: (used.user + used.system) / 1e3,
    wall_ms: Number(process.hrtime.bigint() - wall) / 1e6,
    growth_mb: memory("VmHWM") - before,
  }),
);
