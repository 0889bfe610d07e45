import { readFileSync, writeFileSync } from 'node:fs'
import {
  type ConformanceReport,
  OUTBOX_TESTS,
  SHIPPED_ADAPTERS,
  markdownOf,
  resultLine,
  runOutboxConformance,
  summaryLine,
} from '@seaworthy/conformance'

/**
 * Puts the conformance tests to every outbox that has an adapter, and writes what is made of them in docs/2-communication/conformance.md: `npm run conformance:table`.
 * With files as arguments it takes the results from them, as `seaworthy conformance outbox --json` wrote them.
 */
const PAGE = 'docs/2-communication/conformance.md'

const files = process.argv.slice(2)
const reports: ConformanceReport[] = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as ConformanceReport)
if (files.length === 0) {
  for (const adapter of SHIPPED_ADAPTERS) {
    const report = await runOutboxConformance({ adapter, onResult: (result) => console.log(resultLine(result)) })
    console.log(`${summaryLine(report)}\n`)
    reports.push(report)
  }
}
const tests = OUTBOX_TESTS.map(
  ({ name, question, method, passes }) => `- **\`${name}\`.** ${question} *How:* ${method} *Passes:* ${passes}\n`,
).join('')
const page = written(readFileSync(PAGE, 'utf8'), { tests, results: markdownOf(reports, OUTBOX_TESTS) })
writeFileSync(PAGE, page)

/** The page with these texts between their marks. */
function written(page: string, texts: Readonly<Record<string, string>>): string {
  return Object.entries(texts).reduce((text, [name, inside]) => {
    const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->`]
    const [from, to] = [text.indexOf(begin), text.indexOf(end)]
    if (from === -1 || to === -1) throw new Error(`${PAGE} has no place for the ${name}.`)
    return text.slice(0, from + begin.length) + inside + text.slice(to)
  }, page)
}
