// A list of pictures to JPEGs 200 px wide in sharp, `together` at once with `threads` threads
// each. Warmed by the list's first pictures; prints seconds and CPU seconds.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const require = createRequire(process.env.BENCH_NODE + "/package.json");
const sharp = require("sharp");
const [list, directory, width, quality, together, threads] = process.argv.slice(2);
const names = fs.readFileSync(list, "utf8").trim().split("\n");

async function run(names) {
  let next = 0;
  const worker = async () => {
    while (next < names.length) {
      const index = next++;
      await sharp(names[index])
        .rotate()
        .resize({ width: Number(width), withoutEnlargement: true, kernel: "lanczos3" })
        .jpeg({ quality: Number(quality), optimiseCoding: true, progressive: false })
        .toFile(path.join(directory, `${index}.jpg`));
    }
  };
  await Promise.all(Array.from({ length: Number(together) }, worker));
}

sharp.cache(false);
sharp.concurrency(Number(threads));
await run(names.slice(0, 40));
const cpu = process.cpuUsage();
const started = process.hrtime.bigint();
await run(names);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ seconds, cpu: (used.user + used.system) / 1e6 }));
