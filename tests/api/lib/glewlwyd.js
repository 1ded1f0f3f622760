// glewlwyd.js - a real OpenID provider, Debian's package glewlwyd, on loopback and with a database of its own.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import zlib from 'node:zlib';
import { freePort, patience, run, sleep } from './server.js';

export const glewlwyd = '/usr/bin/glewlwyd';
const SCHEMA = '/usr/share/doc/glewlwyd/database/init.sqlite3.sql.gz';

export class Glewlwyd {
  // `dir` is the caller's; `cert` and `key` are PEM files for localhost.
  static async start(dir, cert, key) {
    const g = new Glewlwyd();
    Object.assign(g, { ca: cert, port: await freePort() });
    const db = path.join(dir, 'glewlwyd.db'), conf = path.join(dir, 'glewlwyd.conf');
    run('sqlite3', [db], { input: zlib.gunzipSync(fs.readFileSync(SCHEMA)) });
    fs.writeFileSync(conf, `port=${g.port}\nbind_address="127.0.0.1"\nexternal_url="https://localhost:${g.port}/"\n` +
      'login_url="login.html"\napi_prefix="api"\nlog_mode="console"\nlog_level="WARNING"\nsession_key="S"\nsession_expiration=3600\n' +
      'admin_scope="g_admin"\nprofile_scope="g_profile"\nhash_algorithm="SHA512"\n' +
      ['user', 'client'].map((m) => `${m}_module_path="/usr/lib/glewlwyd/${m}"\n`).join('') +
      'user_auth_scheme_module_path="/usr/lib/glewlwyd/scheme"\nplugin_module_path="/usr/lib/glewlwyd/plugin"\n' +
      `use_secure_connection=true\nsecure_connection_key_file="${key}"\nsecure_connection_pem_file="${cert}"\n` +
      `database={type="sqlite3"; path="${db}";};\n`);
    g.process = spawn(glewlwyd, [`--config-file=${conf}`], { stdio: 'ignore' });
    g.url = `https://localhost:${g.port}/api/oidc`;
    await g.configure(fs.readFileSync(key, 'utf8'));
    return g;
  }

  call(method, at, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const req = https.request({ host: '127.0.0.1', port: this.port, servername: 'localhost', ca: fs.readFileSync(this.ca), method, path: `/api${at}`, agent: false,
        headers: { 'content-type': 'application/json', ...(this.cookie ? { cookie: this.cookie } : {}), ...headers } }, (res) => {
        let text = '';
        res.on('data', (d) => { text += d; });
        res.on('end', () => (res.statusCode === 200 ? resolve({ text, headers: res.headers }) : reject(new Error(`${method} ${at}: ${res.statusCode} ${text}`))));
      });
      req.on('error', reject);
      req.end(typeof body === 'object' ? JSON.stringify(body) : body);
    });
  }

  // An administrator signs in, adds the OpenID plugin, a scope, and a client that may have tokens of its own.
  async configure(key) {
    const end = Date.now() + patience;
    for (;;) {
      try {
        const r = await this.call('POST', '/auth/', { username: 'admin', password: 'password' });
        this.cookie = r.headers['set-cookie'].map((c) => c.split(';')[0]).join('; ');
        break;
      } catch (e) {
        if (e.code !== 'ECONNREFUSED' || Date.now() > end) throw e;
        await sleep(100);
      }
    }
    const flows = Object.fromEntries(['code', 'token', 'id-token', 'none', 'password', 'client', 'refresh'].map((f) => [`auth-type-${f}-enabled`, true]));
    await this.call('POST', '/mod/plugin', { module: 'oidc', name: 'oidc', display_name: 'oidc', enabled: true, parameters: { iss: this.url,
      'jwt-type': 'rsa', 'jwt-key-size': '256', key, cert: run('openssl', ['pkey', '-pubout'], { input: key }).stdout, 'jwks-show': true,
      'access-token-duration': 600, 'refresh-token-duration': 600, 'code-duration': 600, 'allow-non-oidc': true, 'subject-type': 'public', scope: [], ...flows } });
    await this.call('POST', '/scope', { name: 'backup', display_name: 'backup', password_required: false, scheme: {} });
    const client = { name: 'job', confidential: true, password: 'job password', enabled: true, authorization_type: ['client_credentials'],
      scope: ['backup'], redirect_uri: ['https://localhost/'], token_endpoint_auth_method: ['client_secret_basic'] };
    await this.call('POST', '/client', { client_id: 'job', ...client });
  }

  // An access token for the client: sub "job", aud "backup".
  async token() {
    const r = await this.call('POST', '/oidc/token', 'grant_type=client_credentials&scope=backup', { 'content-type': 'application/x-www-form-urlencoded',
      authorization: `Basic ${Buffer.from('job:job password').toString('base64')}` });
    return JSON.parse(r.text).access_token;
  }

  async stop() {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill();
    await gone;
  }
}
