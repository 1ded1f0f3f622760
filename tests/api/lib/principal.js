// principal.js - more principals for a server: a row, and tokens signed with the server's key.
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { request } from './http.js';
import { run, binary } from './server.js';

const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');

export class Principal {
  // `role`: the one that the row itself names; none unless stated.
  constructor(server, name, role = '') {
    Object.assign(this, { server, name, clientId: crypto.randomUUID(), objectId: crypto.randomUUID() });
    const db = new DatabaseSync(path.join(server.dir, 'control.db'), { timeout: 10000 });
    const row = { client_id: this.clientId, object_id: this.objectId, name, role };
    for (const c of db.prepare('PRAGMA table_info(principal)').all()) row[c.name] ??= '';
    const names = Object.keys(row);
    db.prepare(`INSERT INTO principal (${names}) VALUES (${names.map(() => '?')})`).run(...Object.values(row));
    db.close();
    const key = JSON.parse(fs.readFileSync(path.join(server.dir, 'keys/token.key'), 'utf8'));
    const now = Math.floor(Date.now() / 1000);
    const text = `${part({ alg: 'RS256', typ: 'JWT', ...(key.kid ? { kid: key.kid } : {}) })}.${part({ aud: 'https://management.azure.com/',
      iss: `${server.url}/${server.tenant}/`, iat: now, nbf: now, exp: now + 3600, tid: server.tenant, oid: this.objectId, sub: this.objectId,
      appid: this.clientId, ver: '1.0' })}`;
    this.token = `${text}.${crypto.sign('sha256', text, crypto.createPrivateKey({ key, format: 'jwk' })).toString('base64url')}`;
  }

  ask(method, target, options = {}) {
    return request(this.server, method, target, { version: '2022-04-01', token: this.token, ...options });
  }

  // On the server's host, beside the running server.
  assign(role, scope) {
    return run(binary, ['role', 'assign', this.server.dir, '--principal', this.objectId, '--role', role, '--scope', scope]);
  }
}
