import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Runs each example of a page as a program of its own, which fails when one of its assertions does. The page is named from the repository's root. */
export async function runExamples(page: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const root = join(import.meta.dirname, '../..')
  const examples = [...readFileSync(join(root, page), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code!)
  assert.ok(examples.length > 0, `${page} has no example`)
  for (const code of examples) {
    const flags = ['--disable-warning=ExperimentalWarning', '--conditions=source', '--input-type=module-typescript']
    await promisify(execFile)(process.execPath, [...flags, '-e', code], { env: { ...process.env, ...environment }, cwd: root })
  }
}
