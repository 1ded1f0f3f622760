// http.js - plain requests, as curl would send them: nothing is added, nothing is followed.
import https from 'node:https';

// options: body (object, string or Buffer), headers, token (null: none), version (null: none)
export function request(server, method, target, options = {}) {
  const url = new URL(server.url);
  const headers = { host: url.host, ...(options.headers ?? {}) };
  let { body } = options;
  if (options.token !== null) headers.authorization ??= `Bearer ${options.token ?? server.token()}`;
  if (body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)) {
    body = JSON.stringify(body);
    headers['content-type'] ??= 'application/json';
  }
  if (body !== undefined) headers['content-length'] = Buffer.byteLength(body);
  else if (method === 'POST' || method === 'PUT') headers['content-length'] = 0;
  let path = target.startsWith('https://') ? target.slice(target.indexOf('/', 8)) : target;
  if (options.version) path += `${path.includes('?') ? '&' : '?'}api-version=${options.version}`;
  return new Promise((resolve, reject) => {
    const req = https.request({
      host: '127.0.0.1', port: server.port, servername: 'localhost', method, path, headers,
      ca: server.ca, agent: options.agent,
    }, (res) => {
      const parts = [];
      res.on('data', (d) => parts.push(d));
      res.on('error', reject);
      res.on('end', () => {
        const raw = Buffer.concat(parts);
        const reply = { status: res.statusCode, headers: res.headers, raw, text: raw.toString('utf8') };
        if ((res.headers['content-type'] ?? '').startsWith('application/json') && raw.length > 0)
          reply.json = JSON.parse(reply.text);
        resolve(reply);
      });
    });
    req.on('error', reject);
    if (body !== undefined) req.write(body);
    req.end();
  });
}
