import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'

test('the examples of docs/4-data/sagas.md do what they say', async () => {
  const page = readFileSync(new URL('../../../../docs/4-data/sagas.md', import.meta.url), 'utf8')
  const examples = [...page.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
  assert.equal(examples.length, 3)
  for (const example of examples) {
    const resolved = stripTypeScriptTypes(example).replaceAll(/from '([^']+)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`)
    await import(`data:text/javascript,${encodeURIComponent(resolved)}`)
  }
})
