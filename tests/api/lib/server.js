// server.js - one holdfast of its own for a test: data directory, process, certificates, token.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { request } from './http.js';

export const binary = process.env.HOLDFAST_BINARY ??
  path.resolve(import.meta.dirname, '../../../build/holdfast');

// The longest a test waits for anything; sanitized builds are slow.
export const patience = Number(process.env.HOLDFAST_TEST_PATIENCE_MS ?? 60000);

export function freePort() {
  return new Promise((resolve, reject) => {
    const s = net.createServer();
    s.on('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

export function run(command, args, options = {}) {
  const r = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (r.error) throw r.error;
  if (r.status !== 0 && !options.mayFail)
    throw new Error(`${command} ${args.join(' ')}: exit ${r.status} ${r.signal ?? ''}\n${r.stderr}`);
  return r;
}

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));

export class Server {
  // options: retryAfter (seconds), images (extra directories), conf (text => text), init (more arguments), limits (calls at
  // once of each kind, for tests of them; a test makes more than a client)
  static async create(options = {}) {
    const s = new Server();
    s.root = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-api-'));
    s.dir = path.join(s.root, 'data');
    s.port = await freePort();
    const extra = (options.images ?? []).flatMap((d) => ['--images', d]);
    run(binary, ['init', s.dir, '--listen', `127.0.0.1:${s.port}`, ...extra, ...(options.init ?? [])]);
    const conf = path.join(s.dir, 'holdfast.conf');
    let text = fs.readFileSync(conf, 'utf8')
      .replace(/^#?\s*retry_after\s*=.*$/m, `retry_after = ${options.retryAfter ?? 1}`)
      .replace(/^(\w+)_bucket\s*=.*$/gm, (line, kind) => `${kind}_bucket = ${options.limits?.[kind] ?? 1000000}`);
    if (options.conf) text = options.conf(text);
    fs.writeFileSync(conf, text);
    s.env = Object.fromEntries(fs.readFileSync(path.join(s.dir, 'admin.env'), 'utf8')
      .split('\n').map((l) => l.match(/^(?:export\s+)?(HOLDFAST_\w+)=["']?(.*?)["']?$/)).filter(Boolean)
      .map((m) => [m[1], m[2]]));
    s.url = s.env.HOLDFAST_URL;
    s.ca = fs.readFileSync(s.env.HOLDFAST_CA, 'utf8');
    s.subscription = s.env.HOLDFAST_SUBSCRIPTION;
    s.tenant = s.env.HOLDFAST_TENANT;
    s.images = path.join(s.dir, 'images');
    s.logPath = path.join(s.root, 'log');
    return s;
  }

  // Start the process and wait until it answers.  failpoints: HOLDFAST_FAILPOINTS of this run.
  async start(failpoints = '') {
    const log = fs.openSync(this.logPath, 'a');
    this.process = spawn(binary, ['serve', this.dir], {
      stdio: ['ignore', log, log],
      env: { ...process.env, HOLDFAST_FAILPOINTS: failpoints },
    });
    fs.closeSync(log);
    this.exited = new Promise((resolve) => this.process.once('exit', (code, signal) => {
      this.process = null;
      resolve({ code, signal });
    }));
    const end = Date.now() + patience;
    for (;;) {
      if (!this.process) throw new Error(`server ended while starting:\n${this.log()}`);
      try {
        const r = await request(this, 'GET', '/health', { token: null });
        if (r.status === 200) break;
      } catch (e) {
        if (e.code !== 'ECONNREFUSED' && e.code !== 'ECONNRESET') throw e;
      }
      if (Date.now() > end) throw new Error(`server did not come up:\n${this.log()}`);
      await sleep(50);
    }
    return this;
  }

  token() {
    this.bearer ??= run(binary, ['token', this.dir]).stdout.trim();
    return this.bearer;
  }

  log() {
    return fs.readFileSync(this.logPath, 'utf8').slice(-20000);
  }

  // Wait for the process to die by itself (a failpoint).
  async died() {
    let timer;
    const late = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`server is still alive:\n${this.log()}`)), patience);
    });
    try {
      return await Promise.race([this.exited, late]);
    } finally {
      clearTimeout(timer);	// it would keep the test's process
    }
  }

  async stop(signal = 'SIGTERM') {
    if (!this.process) return undefined;
    this.process.kill(signal);
    return this.exited;
  }

  async destroy() {
    const how = await this.stop();
    fs.rmSync(this.root, { recursive: true, force: true });
    return how;
  }
}
