// az.js - Debian's az as it is, for one test: a sign-in of its own, and commands that answer JSON.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const logs = process.env.HOLDFAST_CLIENT_LOGS;

// Debian's python runs both; another one that comes first in PATH has no az
const python = '/usr/bin/python3';
// HOLDFAST_AZ names another, newer one, which needs no help with its models
const other = process.env.HOLDFAST_AZ;
const az = other ?? '/usr/bin/az';
const withModels = path.resolve(import.meta.dirname, '../az-with-models');

// "a command -g rg1" is split at spaces; values with spaces are further arguments.
const words = (command, more) => [...command.split(' ').filter(Boolean), ...more];

function start(file, args, env) {
  return new Promise((resolve) => {
    execFile(file, args, { env, encoding: 'utf8', maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      resolve({ status: error ? error.code : 0, stdout, stderr });
    });
  });
}

export class Az {
  // What az is told of the server: where its own files are, whom to trust.  Requests and answers
  // are in az's own log, under HOLDFAST_CLIENT_LOGS.
  constructor(server, name) {
    this.server = server;
    this.config = path.join(server.root, 'az');
    this.logs = path.join(logs ?? server.root, name);
    fs.rmSync(this.logs, { recursive: true, force: true });
    fs.mkdirSync(this.logs, { recursive: true });
    this.env = { PATH: process.env.PATH, HOME: server.root, LC_ALL: 'C.UTF-8', AZURE_CONFIG_DIR: this.config,
      REQUESTS_CA_BUNDLE: server.env.HOLDFAST_CA, AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_CORE_OUTPUT: 'json',
      AZURE_LOGGING_ENABLE_LOG_FILE: 'yes', AZURE_LOGGING_LOG_DIR: this.logs };
  }

  // The lines that scripts/quickstart prints.
  async signIn() {
    const { url, env } = this.server;
    await this.run(`cloud register -n holdfast --endpoint-resource-manager ${url}/ --endpoint-active-directory ${url}/adfs
      --endpoint-active-directory-resource-id ${url}/ --endpoint-active-directory-graph-resource-id ${url}/graph`.replace(/\s+/g, ' '));
    await this.run('cloud set -n holdfast');
    return this.run(`login --service-principal -u ${env.HOLDFAST_CLIENT_ID} -p ${env.HOLDFAST_CLIENT_SECRET} --tenant ${env.HOLDFAST_TENANT}`);
  }

  // A command that must exit with 0; its answer, undefined if it prints none.
  async run(command, ...more) {
    return this.#answer(await start(az, words(command, more), this.env), command, more);
  }

  // The same for the few commands that look at a VM; see az-with-models.
  async runWithModels(command, ...more) {
    if (other) return this.run(command, ...more);
    return this.#answer(await start(python, [withModels, ...words(command, more)], this.env), command, more);
  }

  // A command that must fail; what it prints on standard error.
  async fails(command, ...more) {
    const r = await start(az, words(command, more), this.env);
    assert.notEqual(r.status, 0, `az ${command} ${more.join(' ')}: exit 0\n${r.stdout}`);
    return r.stderr;
  }

  #answer(r, command, more) {
    assert.equal(r.status, 0, `az ${command} ${more.join(' ')}: exit ${r.status}\n${r.stderr}\n${this.server.log().split('\n').slice(-30).join('\n')}`);
    return r.stdout.trim() === '' ? undefined : JSON.parse(r.stdout);
  }

  // Keep the server's log beside az's.
  async end() {
    await this.server.stop();
    fs.copyFileSync(this.server.logPath, path.join(this.logs, 'server.log'));
    await this.server.destroy();
  }
}
