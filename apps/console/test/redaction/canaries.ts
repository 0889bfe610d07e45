import { createHash } from 'node:crypto'
import type { AnyValue, KeyValue } from '../../src/otlp/model.ts'

/** A secret that a test plants, with where: how a careless program would send it. */
export interface Canary {
  readonly secret: string
  readonly place: string
  /** Found afterwards where it was stored: proof that something was. */
  readonly marker: string
  readonly attributes: readonly KeyValue[]
  readonly name: string
  readonly statusMessage: string
  readonly event: { readonly name: string; readonly attributes: readonly KeyValue[] }
  readonly resource: readonly KeyValue[]
  readonly body: string
  /** As a line of a log has it. */
  readonly fields: Readonly<Record<string, unknown>>
}

const text = (key: string, value: string): KeyValue => ({ key, value: { stringValue: value } })

type Planted = Partial<Omit<Canary, 'secret' | 'place' | 'marker'>>

/** Everywhere a secret may be, by a name for it. Each is met by every way in. */
const PLACES: Readonly<Record<string, (secret: string) => Planted>> = {
  'request header': (s) => ({ attributes: [text('http.request.header.x-session', s)], fields: { req: { headers: { 'x-session': s } } } }),
  'list of response headers': (s) => ({
    attributes: [{ key: 'http.response.header.set-cookie', value: { arrayValue: { values: [{ stringValue: `sid=${s}; Path=/` }] } } }],
    fields: { res: { headers: { 'set-cookie': [`sid=${s}; Path=/`] } } },
  }),
  'gRPC metadata': (s) => ({
    attributes: [text('rpc.grpc.request.metadata.x-tenant-key', s)],
    fields: { metadata: { 'x-tenant-key': s } },
  }),
  'query of url.full': (s) => ({ attributes: [text('url.full', `https://shop.test/a/b?x=1&q=${s}&y=2`)], fields: { url: `/a?q=${s}` } }),
  'query without a name': (s) => ({ attributes: [text('http.url', `https://shop.test/reset?${s}`)], body: `GET /reset?${s} failed` }),
  'url.query': (s) => ({ attributes: [text('url.query', `page=2&code=${s}`)], fields: { 'url.query': `code=${s}` } }),
  'http.target': (s) => ({ attributes: [text('http.target', `/callback?code=${s}&state=x`)], body: `redirect to /callback?code=${s}` }),
  userinfo: (s) => ({ attributes: [text('url.full', `https://ada:${s}@shop.test/x`)], fields: { upstream: `amqp://ada:${s}@mq:5672` } }),
  'user alone': (s) => ({ attributes: [text('server.url', `redis://${s}@cache:6379/0`)], body: `connecting to https://${s}@host/x` }),
  'fragment of an address': (s) => ({ attributes: [text('url.full', `https://shop.test/x#id_token=${s}`)], body: `/x#id_token=${s}` }),
  'literal of SQL': (s) => ({
    attributes: [text('db.system.name', 'postgresql'), text('db.query.text', `SELECT * FROM users WHERE pin = '${s}' AND x = 1`)],
    body: `slow query: SELECT * FROM users WHERE pin = '${s}'`,
  }),
  'literal between dollars': (s) => ({
    attributes: [text('db.statement', `INSERT INTO notes VALUES ($tag$ it's ${s} $tag$)`)],
    body: `insert into notes values ($$${s}$$)`,
  }),
  'double quotes of MySQL': (s) => ({
    attributes: [text('db.system', 'mysql'), text('db.statement', `UPDATE users SET note = "${s}" WHERE id = 5`)],
    body: `UPDATE users SET note = "${s}" WHERE id = 5`,
  }),
  'comment of SQL': (s) => ({ attributes: [text('db.query.text', `SELECT 1 FROM t /* ${s} */ -- ${s}`)], body: `SELECT 1 FROM t -- ${s}` }),
  'parameters of a query': (s) => ({
    attributes: [text('db.query.parameter.0', s)],
    fields: { 'db.query.parameter.0': s },
  }),
  'command of Redis': (s) => ({ attributes: [text('db.system.name', 'redis'), text('db.query.text', `SET session:1 ${s} EX 10`)] }),
  'document of MongoDB': (s) => ({
    attributes: [text('db.system.name', 'mongodb'), text('db.query.text', JSON.stringify({ find: 'users', filter: { pin: s } }))],
  }),
  'body of a request': (s) => ({ attributes: [text('http.request.body', `{"pin":"${s}"}`)], fields: { 'request.body': { pin: s } } }),
  baggage: (s) => ({ attributes: [text('baggage', `user=1,note=${s}`), text('baggage.note', s)], fields: { baggage: { note: s } } }),
  'field of a secret name': (s) => ({ attributes: [text('user.password', s)], fields: { a: { deep: [{ apiKey: s }] } } }),
  'number under a secret name': (s) => ({
    attributes: [{ key: 'client_secret', value: { kvlistValue: { values: [text('any', s)] } } }],
    fields: { token: { value: s } },
  }),
  'nested map': (s) => ({
    attributes: [{ key: 'args', value: { kvlistValue: { values: [{ key: 'list', value: { arrayValue: { values: [nested(s)] } } }] } } }],
    fields: { args: [{ list: [{ authorization: s }] }] },
  }),
  'list of texts': (s) => ({
    attributes: [list('app.tags', 'x', `Bearer ${s}`, `https://ada:${s}@shop.test/`)],
    fields: { tags: ['x', `Bearer ${s}`] },
  }),
  'arguments of a command': (s) => ({
    attributes: [list('process.command_args', 'node', '--password', s)],
    fields: { argv: ['node', '--password', s] },
  }),
  'raw headers': (s) => ({
    attributes: [list('app.raw', 'Host', 'shop.test', 'Authorization', s)],
    fields: { rawHeaders: ['Host', 'shop.test', 'Authorization', s] },
  }),
  bytes: (s) => ({ attributes: [bytes('app.body', `password=${s}&x=1`)] }),
  'bytes of a statement': (s) => ({
    attributes: [text('db.system.name', 'postgresql'), bytes('db.query.text', `SELECT * FROM t WHERE pin = '${s}'`)],
  }),
  'bytes in a map in a list': (s) => ({
    attributes: [
      {
        key: 'args',
        value: { arrayValue: { values: [{ kvlistValue: { values: [bytes('sent', `https://ada:${s}@shop.test/`)] } }] } },
      },
    ],
  }),
  'exception message with an address': (s) => ({
    event: { name: 'exception', attributes: [text('exception.message', `fetch of https://x.test/?t=${s} failed`)] },
    fields: { err: { message: `fetch of https://x.test/?t=${s} failed`, stack: `Error: https://x.test/?t=${s}\n    at f` } },
  }),
  'stack with SQL': (s) => ({
    event: { name: 'exception', attributes: [text('exception.stacktrace', `Error: in "INSERT INTO t (a) VALUES ('${s}')"\n    at f`)] },
    fields: { err: { stack: `Error: in "INSERT INTO t (a) VALUES ('${s}')"\n    at f` } },
  }),
  'detail of PostgreSQL': (s) => ({
    event: { name: 'exception', attributes: [text('exception.message', `duplicate key: Key (email)=(${s}) already exists.`)] },
    body: `Key (email)=(${s}) already exists.`,
  }),
  'row of PostgreSQL': (s) => ({ statusMessage: `Failing row contains (7, ${s}, null).`, body: `Failing row contains (7, ${s}, null).` }),
  'entry of MySQL': (s) => ({ statusMessage: `Duplicate entry '${s}' for key 'email'`, body: `Duplicate entry '${s}' for key 'email'` }),
  'invalid input': (s) => ({
    statusMessage: `invalid input syntax for type uuid: "${s}"`,
    body: `invalid input syntax for type uuid: "${s}"`,
  }),
  'bearer in a message': (s) => ({ statusMessage: `refused Bearer ${s}`, body: `refused Bearer ${s}` }),
  'password in a message': (s) => ({ statusMessage: `login with password=${s} failed`, body: `login with password=${s} failed` }),
  'name of a span': (s) => ({ name: `GET /orders?key=${s}`, body: `GET /orders?key=${s}` }),
  'name of an event': (s) => ({ event: { name: `called https://u:${s}@h/x`, attributes: [] }, body: `called https://u:${s}@h/x` }),
  'attribute of the resource': (s) => ({
    resource: [text('process.environment_variable.DB_URL', s), text('deploy.token', s)],
    fields: { config: { deployToken: s } },
  }),
}

function list(key: string, ...values: readonly string[]): KeyValue {
  return { key, value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } } }
}

function bytes(key: string, value: string): KeyValue {
  return { key, value: { bytesValue: Buffer.from(value).toString('base64') } }
}

function nested(secret: string): AnyValue {
  return { kvlistValue: { values: [text('authorization', secret)] } }
}

/** A canary for each place, each with a secret of its own, which no two have in common more than their shape. */
export function canaries(way: string): readonly Canary[] {
  return Object.entries(PLACES).map(([place, plant]) => {
    // No word shares its beginning with another: an index that stores words without their common beginnings would hide them.
    const secret = `${createHash('sha256').update(`${way} ${place}`).digest('hex').slice(0, 12)}canary`
    const marker = `marker-${createHash('sha256').update(`${place} ${way}`).digest('hex').slice(0, 12)}`
    const planted = plant(secret)
    return {
      secret,
      place: `${way}: ${place}`,
      marker,
      name: planted.name ?? 'work',
      statusMessage: planted.statusMessage ?? '',
      event: planted.event ?? { name: 'nothing', attributes: [] },
      resource: planted.resource ?? [],
      attributes: [text('marker', marker), ...(planted.attributes ?? [])],
      body: `${planted.body ?? 'a record'} ${marker}`,
      fields: { marker, ...planted.fields },
    }
  })
}
