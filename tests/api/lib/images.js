// images.js - disk images with known bytes, and their hashes.
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run } from './server.js';

export const MiB = 1024 * 1024;

// A sparse raw image: `pieces` runs of data spread over it, from a seed, so that tests can repeat it.
export function makeRaw(file, size, seed, pieces = 8, pieceSize = 192 * 1024) {
  const fd = fs.openSync(file, 'wx');
  fs.ftruncateSync(fd, size);
  for (let i = 0; i < pieces; i++) {
    const cipher = crypto.createCipheriv('aes-128-ctr', crypto.createHash('md5').update(`${seed}-${i}`).digest(),
      Buffer.alloc(16));
    const at = Math.floor((size - pieceSize) * (i / pieces) / 512) * 512;
    fs.writeSync(fd, cipher.update(Buffer.alloc(pieceSize)), 0, pieceSize, at);
  }
  fs.closeSync(fd);
  return file;
}

export function makeQcow2(file, size, seed) {
  const raw = `${file}.raw`;
  makeRaw(raw, size, seed);
  run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, file]);
  fs.unlinkSync(raw);
  return file;
}

// SHA-256 of the disk's content, whatever the file's format.
export function contentHash(file, format = 'raw', size = undefined) {
  let raw = file;
  if (format !== 'raw') {
    raw = path.join(os.tmpdir(), `holdfast-${process.pid}-${crypto.randomUUID()}.raw`);
    run('qemu-img', ['convert', '-f', format, '-O', 'raw', file, raw]);
  }
  const hash = crypto.createHash('sha256');
  const fd = fs.openSync(raw, 'r');
  const piece = Buffer.alloc(4 * MiB);
  let left = size ?? fs.fstatSync(fd).size;
  for (let n; left > 0 && (n = fs.readSync(fd, piece, 0, Math.min(piece.length, left), null)) > 0; left -= n)
    hash.update(piece.subarray(0, n));
  fs.closeSync(fd);
  if (raw !== file) fs.unlinkSync(raw);
  return hash.digest('hex');
}

export const allocated = (file) => fs.statSync(file).blocks * 512;
