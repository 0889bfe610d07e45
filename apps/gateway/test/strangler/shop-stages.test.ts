import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseGatewayFile } from '../../src/strangler/gateway-file.ts'
import type { RuleDeclaration } from '../../src/strangler/rule.ts'

const stages = fileURLToPath(new URL('../../../../shop/stages/', import.meta.url))

/** The routes of a stage, as a gateway reads them from its file. */
function routesOf(name: string): readonly RuleDeclaration[] {
  const { routes } = JSON.parse(readFileSync(`${stages}${name}`, 'utf8')) as {
    routes: readonly { readonly from: string; readonly to?: string }[]
  }
  const names = routes.flatMap(({ from, to = from }) => [from, to])
  const upstreams = Object.fromEntries(names.map((name) => [name, { urls: ['http://127.0.0.1:9'] }]))
  const file = { listen: { port: 0 }, admin: { port: 0, tokenFile: 'token' }, ledger: 'ledger', upstreams, routes }
  return parseGatewayFile(JSON.stringify(file), name).routes
}

test("the stages of the shop are routes of a gateway's file, and from one to the next a route keeps its name and moves on", () => {
  const files = readdirSync(stages)
    .filter((name) => /^\d-.*\.json$/.test(name))
    .toSorted()
  const moved = files.slice(1).map((name, index) => {
    const before = new Map(routesOf(files[index]!).map((route) => [route.id, route]))
    return routesOf(name).flatMap(({ id, match, from }) => {
      const known = before.get(id)
      assert.deepEqual(known?.match, match, `${id} of ${name}`)
      return known.from === from ? [] : [`${id}: ${known.from} to ${from}`]
    })
  })
  assert.deepEqual(moved, [
    ['reviews: monolith to reviews'],
    ['products: monolith to catalog', 'product: monolith to catalog'],
    ['index: monolith to storefront', 'openapi: monolith to storefront', 'customers: monolith to customers'],
  ])
})
