// The jobs in sharp. fast: its default, shrink-on-load; safe: fastShrinkOnLoad: false.
import { main, require } from "./meter.mjs";

const sharp = require("sharp");

function saveOptions(job) {
  const quality = Number(job.quality);
  if (job.pace === "default") return {};
  switch (job.format) {
    case "jpeg":
      return {
        quality,
        chromaSubsampling: "4:2:0",
        optimiseCoding: true,
        progressive: false,
        mozjpeg: false,
      };
    case "webp":
      return { quality, effort: 4 };
    case "avif":
      return { quality, effort: Number(job.effort ?? 4), chromaSubsampling: "4:2:0", bitdepth: 8 };
    default:
      return {
        compressionLevel: Number(job.level ?? 6),
        adaptiveFiltering: (job.filter ?? "all") === "all",
      };
  }
}

function make(job) {
  if (Number(job.threads)) sharp.concurrency(Number(job.threads));
  sharp.cache(false); // or a repeated job would be a look-up
  if (job.op === "probe") return (source) => sharp(source).metadata();
  const width = Number(job.width);
  const height = Number(job.height);
  const resized = (source) => {
    if (!width) return sharp(source);
    const options = height ? { width, height, fit: "cover" } : { width };
    if (job.pace === "safe") options.fastShrinkOnLoad = false;
    return sharp(source).resize(options);
  };
  if (job.op === "pixels") return (source) => resized(source).raw().toBuffer();
  const options = saveOptions(job);
  return (source, output) => resized(source).toFormat(job.format, options).toFile(output);
}

function versions() {
  const names = ["sharp", "vips", "mozjpeg", "png", "zlib-ng", "webp", "aom", "heif"];
  return Object.fromEntries(names.map((name) => [name, String(sharp.versions[name])]));
}

await main(make, versions);
