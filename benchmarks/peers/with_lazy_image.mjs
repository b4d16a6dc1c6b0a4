// The jobs in lazy-image (npm). It has no kernel, shrink, subsampling, effort or Huffman
// options: what can be asked is fastMode, which is nearest to the others' JPEG.
import { Unsupported, main, require } from "./meter.mjs";

const lazy = require("@alberteinshutoin/lazy-image");

function make(job) {
  if (job.op === "probe") return (source) => lazy.inspectFile(source);
  if (job.op === "pixels") throw new Unsupported("gives no pixels");
  if (job.source.endsWith(".avif")) throw new Unsupported("reads no AVIF");
  const quality = job.pace === "default" ? null : Number(job.quality) || null;
  const fast = job.format === "jpeg" && job.pace !== "default";
  const width = Number(job.width);
  return (source, output) => {
    const engine = lazy.ImageEngine.fromPath(source);
    const resized = width ? engine.resize(width, null, "inside") : engine;
    return resized.toFile(output, job.format, quality, fast);
  };
}

const versions = () => ({ "lazy-image": lazy.version() });

await main(make, versions);
