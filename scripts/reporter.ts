import { appendFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { TestEvent } from 'node:test/reporters'

/** Files that are named with the time they took, for whoever guards the inner loop. */
const SLOWEST = 8
const SLOW_MS = 3_000

/**
 * Prints failures in full, passes not at all, and the slowest files, and adds its counts as a JSON line to the file that
 * SEAWORTHY_TEST_COUNTS names, so that several stages can be summed into one closing line.
 */
export default async function* reporter(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0
  let failed = 0
  let skipped = 0
  const failedFiles = new Set<string>()
  const tookMs = new Map<string, number>()
  for await (const event of source) {
    if ((event.type === 'test:pass' || event.type === 'test:fail') && event.data.nesting === 0 && event.data.file !== undefined) {
      const file = relative(process.cwd(), event.data.file)
      tookMs.set(file, (tookMs.get(file) ?? 0) + event.data.details.duration_ms)
    }
    switch (event.type) {
      case 'test:pass':
        if (event.data.details.type === 'suite') break
        if (event.data.skip !== undefined) {
          skipped++
          yield `skipped: ${event.data.name}${typeof event.data.skip === 'string' ? ` (${event.data.skip})` : ''}\n`
        } else passed++
        break
      case 'test:fail': {
        const { error } = event.data.details
        const { failureType } = error as { failureType?: string }
        // A suite or a file fails because a test in it did, and only that test counts; unless a hook or the file itself broke.
        if (failureType === 'subtestsFailed' || (event.data.details.type === 'suite' && failureType !== 'hookFailed')) break
        // Those tests never began: the hook that failed is the failure.
        if (event.data.file !== undefined) failedFiles.add(relative(process.cwd(), event.data.file))
        if (failureType === 'cancelledByParent') {
          failed++
          break
        }
        failed++
        yield `\nFAILED ${event.data.name}\n  ${relative(process.cwd(), event.data.file ?? '')}:${event.data.line ?? 0}\n`
        yield `${format(error)}\n`
        break
      }
      case 'test:stderr':
      case 'test:stdout':
        yield event.data.message
        break
      case 'test:diagnostic':
        if (!/^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(event.data.message)) yield `${event.data.message}\n`
        break
      default:
    }
  }
  const slowest = [...tookMs].filter(([, ms]) => ms >= SLOW_MS).toSorted(([, one], [, other]) => other - one)
  if (slowest.length > 0)
    yield `slowest: ${slowest
      .slice(0, SLOWEST)
      .map(([file, ms]) => `${file} ${(ms / 1_000).toFixed(0)} s`)
      .join(', ')}\n`
  const counts = process.env['SEAWORTHY_TEST_COUNTS']
  if (counts !== undefined) appendFileSync(counts, `${JSON.stringify({ passed, failed, skipped, failedFiles: [...failedFiles] })}\n`)
}

function format(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error
  return (cause.stack ?? String(cause)).replaceAll(/^/gm, '  ')
}
