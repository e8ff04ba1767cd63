// A PNG of a page, made smaller: no filter and the best compression suit flat grounds, of
// which a browser, in a hurry, makes little. The pixels stay.

import { deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = 8;

export function smaller(png) {
  const chunks = read(png);
  const header = chunks.find(({ type }) => type === 'IHDR').data;
  const [width, height, channels] = [header.readUInt32BE(0), header.readUInt32BE(4), header[9] === 6 ? 4 : 3];
  const raw = inflateSync(Buffer.concat(chunks.filter(({ type }) => type === 'IDAT').map(({ data }) => data)));
  const plain = unfiltered(raw, width * channels, height, channels);
  const data = deflateSync(plain, { level: 9, memLevel: 9 });
  return Buffer.concat([png.subarray(0, SIGNATURE), chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]);
}

function read(png) {
  const chunks = [];
  for (let at = SIGNATURE; at < png.length; ) {
    const length = png.readUInt32BE(at);
    chunks.push({ type: png.toString('latin1', at + 4, at + 8), data: png.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return chunks;
}

/** Each line with filter 0, whatever it had. */
function unfiltered(raw, stride, height, step) {
  const out = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const from = y * (stride + 1);
    const filter = raw[from];
    for (let x = 0; x < stride; x += 1) {
      const at = from + 1 + x;
      const left = x >= step ? out[at - step] : 0;
      const up = y > 0 ? out[at - stride - 1] : 0;
      const corner = x >= step && y > 0 ? out[at - stride - 1 - step] : 0;
      out[at] = raw[at] + [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
    }
  }
  return out;
}

function paeth(left, up, corner) {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const around = Buffer.alloc(4);
  const sum = Buffer.alloc(4);
  around.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([around, body, sum]);
}

/** zlib's own is not in node 20. */
function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}
