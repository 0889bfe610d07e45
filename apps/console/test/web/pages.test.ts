import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { LINKS, PAGES, parseRoute, routeUrl } from '../../web/src/pages/registry.ts'

test('every folder of a page is in the registry, each with a key of its own in the bar or in the place of one that has', () => {
  const folders = readdirSync(new URL('../../web/src/pages', import.meta.url), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  assert.deepEqual(PAGES.map(({ page }) => page).toSorted(), folders.map(({ name }) => name).toSorted())
  const keys = LINKS.map(({ key }) => key)
  assert.equal(new Set(keys).size, keys.length)
  const shown = new Set<string>(LINKS.map(({ page }) => page))
  for (const { page, within } of PAGES.map(({ page, within }) => ({ page, within }))) assert.ok(shown.has(within ?? page), page)
})

test('what the bar leads to is read as the same again', () => {
  for (const { to } of LINKS) assert.deepEqual(parseRoute(new URL(routeUrl(to), 'http://console')), to)
})

test('an address with the name of a gateway and a route is read as it was written', () => {
  const route = { page: 'gateway', open: { gateway: 'shop', route: 'a & b/c?d' } } as const
  assert.deepEqual(parseRoute(new URL(routeUrl(route), 'http://console')), route)
  assert.deepEqual(parseRoute({ pathname: '/labs/simulate/..', search: '' }), { page: 'unknown', path: '/labs/simulate/..' })
})
