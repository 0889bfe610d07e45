import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { runExamples } from './servers/run-examples.ts'

const readme = readFileSync('README.md', 'utf8')

/** The fenced block of the README that follows a line which names `marker`. */
function blockAfter(marker: string, language: string): string {
  const from = readme.indexOf(marker)
  assert.notEqual(from, -1, `the README does not name ${marker}`)
  const open = readme.indexOf(`\`\`\`${language}\n`, from) + language.length + 4
  return readme.slice(open, readme.indexOf('```', open))
}

for (const page of [
  'docs/1-decomposition/bounded-contexts.md',
  'docs/1-decomposition/http-proxy.md',
  'docs/1-decomposition/shadow-and-compare.md',
  'docs/1-decomposition/strangler-gateway.md',
  'docs/2-communication/jobs.md',
  'docs/2-communication/rest-and-grpc.md',
  'docs/4-data/database-per-service.md',
  'docs/4-data/outbox.md',
  'docs/5-observability/console.md',
  'docs/5-observability/critical-path.md',
  'docs/5-observability/keep-what-you-have.md',
  'docs/5-observability/why-is-it-slow.md',
  'docs/4-data/projections.md',
]) {
  test(`the example of ${page} does what it says`, async () => {
    await runExamples(page, {})
  })
}

test('the example that the README shows is the one that is there, and prints what the README says', () => {
  assert.equal(blockAfter('examples/policy.ts', 'ts'), readFileSync('examples/policy.ts', 'utf8'))
  const printed = execFileSync(process.execPath, ['--conditions=source', 'examples/policy.ts'], { encoding: 'utf8' })
  assert.equal(blockAfter('prints', 'text'), printed)
})
