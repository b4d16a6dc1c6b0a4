// Raw samples into JPEGs by sharp's mozjpeg: one file a quality, and the least CPU of some runs of
// each. The job comes as JSON on standard input. BENCH_NODE: whose node_modules has sharp.
import fs from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.env.BENCH_NODE + "/package.json");
const sharp = require("sharp");
const job = JSON.parse(fs.readFileSync(0, "utf8"));
const samples = fs.readFileSync(job.raw);
const raw = { width: job.width, height: job.height, channels: job.channels };

sharp.cache(false);
sharp.concurrency(1);
const encode = (quality) => {
  const picture = sharp(samples, { raw });
  if (job.channels === 1) picture.toColourspace("b-w");
  return picture.jpeg({ mozjpeg: true, quality, chromaSubsampling: job.subsampling }).toBuffer();
};

const cpu_ms = [];
await encode(50); // warm
for (const quality of job.qualities) {
  let least = Infinity;
  for (let run = 0; run < job.runs; run++) {
    const before = process.cpuUsage();
    const file = await encode(quality);
    const used = process.cpuUsage(before);
    least = Math.min(least, (used.user + used.system) / 1e3);
    fs.writeFileSync(`${job.folder}/${quality}`, file);
  }
  cpu_ms.push(least);
}
console.log(JSON.stringify({ cpu_ms, version: sharp.versions.mozjpeg ?? sharp.versions.sharp }));
