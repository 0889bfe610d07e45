import assert from 'node:assert/strict'

/** What a suite said of each of its tests, by name and in order. */
export type SuiteResults = ReadonlyMap<string, string>

/** The same tests, each with the same result. @throws AssertionError that names those that differ */
export function assertSame(results: SuiteResults, expected: SuiteResults, when: string): void {
  const differing = [...new Set([...expected.keys(), ...results.keys()])].flatMap((name) => {
    const [got, wanted] = [results.get(name) ?? 'not run', expected.get(name) ?? 'not run']
    return got === wanted ? [] : [`${name}: ${got}; asked directly: ${wanted}`]
  })
  assert.deepEqual(differing, [], `${when}, these of ${expected.size} tests have another result`)
}
