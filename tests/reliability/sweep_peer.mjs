// What a server would do with an upload, in sharp or lazy-image: its header, a thumbnail and,
// up to 4 MP, the whole picture. Speaks as jobs.py: a call a line in, an answer a line out.
//
//     node sweep_peer.mjs sharp|lazy-image
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(`${process.env.BENCH_NODE}/`);
const WHOLE_PIXELS = 4e6;

const sweeps = {
  sharp() {
    const sharp = require("sharp");
    sharp.cache(false);
    return async (path) => {
      const { width, height } = await sharp(path).metadata();
      await sharp(path).resize(80).jpeg({ quality: 80 }).toBuffer();
      if (width * height <= WHOLE_PIXELS) await sharp(path).png().toBuffer();
    };
  },
  "lazy-image"() {
    const lazy = require("@alberteinshutoin/lazy-image");
    return async (path) => {
      const { width, height } = lazy.inspectFile(path);
      await lazy.ImageEngine.fromPath(path).resize(80, null, "inside").toBuffer("jpeg", 80);
      if (width * height <= WHOLE_PIXELS) await lazy.ImageEngine.fromPath(path).toBuffer("png");
    };
  },
};

const sweep = sweeps[process.argv[2]]();
for await (const line of createInterface({ input: process.stdin })) {
  const [, { path }] = JSON.parse(line);
  let value = {};
  try {
    await sweep(path);
  } catch (error) {
    value = { error: String(error.message ?? error).slice(0, 200) };
  }
  process.stdout.write(JSON.stringify({ value }) + "\n");
}
