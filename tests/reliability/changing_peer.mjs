// Decode a file that is cut under the decoder, again and again: R1's trial for sharp and
// lazy-image. Ends by itself after so many trials, unless the process dies first.
//
//     node changing_peer.mjs sharp|lazy-image PATH COPY TRIALS
//
// Writes a line a trial: that it begins.
import { copyFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.BENCH_NODE}/`);
const [peer, path, copy, trials] = process.argv.slice(2);

function decoder() {
  if (peer === "sharp") {
    const sharp = require("sharp");
    sharp.cache(false);
    return () => sharp(copy).raw().toBuffer();
  }
  const lazy = require("@alberteinshutoin/lazy-image");
  return () => lazy.ImageEngine.fromPath(copy).toBuffer("jpeg", 80);
}

const decode = decoder();
const size = statSync(path).size;
copyFileSync(path, copy);
const started = performance.now();
await decode();
const whole = performance.now() - started;
for (let trial = 0; trial < Number(trials); trial++) {
  copyFileSync(path, copy);
  writeSync(1, "trial\n");
  const at = ((trial * 7) % 10) * 0.1 * whole;
  const cut = setTimeout(() => truncateSync(copy, Math.floor(size * ((trial * 3) % 10) * 0.1)), at);
  await Promise.allSettled([decode(), decode()]);
  clearTimeout(cut);
}
