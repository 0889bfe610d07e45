import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'

for (const page of ['event-sourcing.md', 'erasure.md']) {
  test(`the example of docs/4-data/${page} does what it says`, async () => {
    const text = readFileSync(new URL(`../../../../docs/4-data/${page}`, import.meta.url), 'utf8')
    const [, example] = /^```ts\n(.*?)^```/ms.exec(text) ?? []
    assert.ok(example !== undefined, 'it has no example')
    const code = stripTypeScriptTypes(example).replaceAll(/from '([^']+)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`)
    await import(`data:text/javascript,${encodeURIComponent(code)}`)
  })
}
