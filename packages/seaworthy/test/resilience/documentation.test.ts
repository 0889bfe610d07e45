import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { describe, test } from 'node:test'

const folder = new URL('../../../../docs/3-resiliency/', import.meta.url)
const pages = readdirSync(folder).filter((name) => name.endsWith('.md'))
const WITHOUT_EXAMPLE = new Set(['README.md', 'pitfalls.md', 'in-the-shop.md'])

/** Runs an example as a module of its own; its assertions are its own, too. */
async function execute(code: string): Promise<void> {
  const resolved = stripTypeScriptTypes(code).replaceAll(
    /^(import (?:.* from )?|\} from )'([^']+)'/gm,
    (_, before: string, name: string) => `${before}'${import.meta.resolve(name)}'`,
  )
  await import(`data:text/javascript,${encodeURIComponent(resolved)}`)
}

describe('the examples of docs/3-resiliency', () => {
  for (const page of pages) {
    const examples = [...readFileSync(new URL(page, folder), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
    test(`${page} does what it says`, async () => {
      assert.ok(examples.length > 0 || WITHOUT_EXAMPLE.has(page), 'has no example')
      for (const example of examples) await execute(example)
    })
  }

  test('link to pages that exist', () => {
    for (const page of pages) {
      for (const [, target] of readFileSync(new URL(page, folder), 'utf8').matchAll(/\]\(([\w-]+\.md)\)/g)) {
        assert.ok(pages.includes(target!), `${page} links to ${target}`)
      }
    }
  })
})
