import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readTraceFile } from '../../src/import/formats.ts'
import { checkRequest } from '../../src/otlp/check.ts'
import { spanRows } from '../../src/otlp/rows.ts'
import { fixture } from '../app-fixture.ts'
import { folder, OTHERS, skip } from './public-traces.ts'

const PARTS = ['crisp', 'deathstarbench', 'zipkin', 'jaeger', 'otlp']

type ExportedTrace = {
  readonly resourceSpans: readonly {
    readonly resource: object
    readonly scopeSpans: readonly { readonly scope: object; readonly spans: readonly { readonly spanId: string }[] }[]
  }[]
}

/** Each span with where it came from, in an order that does not depend on that of the lists. */
function spansOf({ resourceSpans }: ExportedTrace): readonly string[] {
  return resourceSpans
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) => spans.map((span) => JSON.stringify({ span, scope, resource }))),
    )
    .toSorted()
}

test(
  'every public file of traces is imported without loss, or refused by name; and what is exported is the same after it was imported again',
  { skip },
  async (t) => {
    const [first, second] = [await fixture(t), await fixture(t)]
    const files = PARTS.flatMap((part) =>
      readdirSync(join(folder, part))
        .filter((name) => name.endsWith('.json') && !name.startsWith('_'))
        .map((name) => ({ name: name.replace(/\.json$/, ''), path: join(folder, part, name) })),
    )
    assert.ok(files.length > 70, `${files.length} files`)
    const refused: string[] = []
    const traceIds = new Set<string>()
    const known = new Set<string>()
    let spans = 0
    for (const { name, path } of files) {
      const payload = readFileSync(path, 'utf8')
      const headers = { host: '127.0.0.1:4000', 'content-type': 'application/json' }
      const answer = await first.app.inject({ method: 'POST', url: '/api/import', headers, payload })
      if (answer.statusCode === 400) {
        refused.push(name)
        continue
      }
      assert.equal(answer.statusCode, 202, `${name}: ${answer.body}`)
      const rows = spanRows(checkRequest(readTraceFile(JSON.parse(payload)).request))
      assert.partialDeepStrictEqual(answer.json(), { spans: rows.length, rejected: 0 }, name)
      for (const { traceId, spanId } of rows) {
        traceIds.add(traceId)
        // Some files hold the same span.
        if (!known.has(`${traceId} ${spanId}`)) spans++
        known.add(`${traceId} ${spanId}`)
      }
    }
    assert.deepEqual(refused.toSorted(), OTHERS.toSorted())
    assert.equal(first.store.counts.spans, spans, 'every span is there')
    for (const traceId of traceIds) {
      const exported = await first.get(`/api/traces/${traceId}`)
      assert.equal(exported.status, 200)
      const imported = await second.app.inject({
        method: 'POST',
        url: '/api/import',
        headers: { host: '127.0.0.1:4000', 'content-type': 'application/json' },
        payload: exported.text,
      })
      assert.equal(imported.statusCode, 202, imported.body)
      const again = await second.get(`/api/traces/${traceId}`)
      assert.deepEqual(spansOf(again.json as unknown as ExportedTrace), spansOf(exported.json as unknown as ExportedTrace), traceId)
    }
    assert.deepEqual(second.store.counts, first.store.counts)
  },
)
