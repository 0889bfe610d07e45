import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const css = readFileSync(new URL('../../web/src/styles/tokens.css', import.meta.url), 'utf8')
const tokens = new Map(
  [...css.matchAll(/--(?<name>[\w-]+): light-dark\((?<light>#[0-9a-f]{6}), (?<dark>#[0-9a-f]{6})\)/g)].map(({ groups }) => [
    groups!['name']!,
    [groups!['light']!, groups!['dark']!] as const,
  ]),
)

/** Relative luminance (WCAG 2.2). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [lighter, darker] = [luminance(one), luminance(other)].toSorted((a, b) => b - a) as [number, number]
  return (lighter + 0.05) / (darker + 0.05)
}

const SURFACES = ['surface', 'surface-raised', 'surface-hover', 'surface-chosen']
const SERVICES = Array.from({ length: 12 }, (_, index) => `service-${index + 1}`)
const PAIRS: readonly (readonly [foreground: string, background: string, least: number])[] = [
  ...['text', 'text-muted', 'accent', 'error'].flatMap((text) => SURFACES.map((surface) => [text, surface, 4.5] as const)),
  ...['ok', 'warn', 'error'].map((tone) => [tone, `${tone}-surface`, 4.5] as const),
  ...['ok', 'warn'].map((tone) => [tone, 'surface', 4.5] as const),
  // Bars and the borders of what can be used: 3 (WCAG 1.4.11). A label within a bar is text on it.
  ...SERVICES.flatMap((service) => SURFACES.map((surface) => [service, surface, 3] as const)),
  ...SERVICES.map((service) => ['surface', service, 4.5] as const),
  ['line-strong', 'surface', 3],
]

for (const [index, theme] of ['light', 'dark'].entries()) {
  test(`every text, bar and border can be seen in ${theme}`, () => {
    const weak = PAIRS.flatMap(([foreground, background, least]) => {
      const ratio = contrast(tokens.get(foreground)![index as 0 | 1], tokens.get(background)![index as 0 | 1])
      return ratio < least ? [`${foreground} on ${background}: ${ratio.toFixed(2)} < ${least}`] : []
    })
    assert.deepEqual(weak, [])
  })
}

test('styles name colours by their tokens only', () => {
  for (const file of ['base', 'frame', 'tables', 'waterfall', 'details', 'messages', 'verdict']) {
    const text = readFileSync(new URL(`../../web/src/styles/${file}.css`, import.meta.url), 'utf8')
    assert.deepEqual(text.match(/#[0-9a-f]{3,8}\b|\b(?:hsl|oklch)\(/gi) ?? [], [], file)
  }
})
