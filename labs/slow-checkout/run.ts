import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { startPostgres } from '@seaworthy/testing/postgres-server'
import { Checkout } from './checkout.ts'
import { accuracy, answer, cpuGraphs, isAsPromised, question, table } from './figures.ts'
import { type Judged, type Outcome, judge } from './judge.ts'
import { CASES } from './plants.ts'

export async function run({ outDir, print, answer: showsAnswer = false }: LabRun): Promise<boolean> {
  print('A checkout over five services, each a process of its own, with one thing wrong at a time. It is 3 a.m., and checkouts are slow.\n')
  await using server = await postgres(print)
  await using checkout = await Checkout.start({ outDir, postgresUrl: await server?.database() })
  const judged: { readonly outcome: Outcome; readonly judged: Judged }[] = []
  for (const each of CASES) {
    if (!checkout.canPlant(each)) {
      print(`${each.name}: left out, there is no server for it.`)
      continue
    }
    const outcome = await checkout.play(each)
    judged.push({ outcome, judged: judge(outcome) })
    const { traceId } = outcome.verdict
    const file = `trace-${each.name.replaceAll(' ', '-')}.json`
    writeFileSync(join(outDir, file), JSON.stringify(await checkout.collector.trace(traceId)))
    print(showsAnswer ? answer(judged.length, outcome, judge(outcome)) : question(judged.length, outcome, file))
  }
  writeFileSync(join(outDir, 'verdicts.jsonl'), judged.map((each) => `${JSON.stringify(each)}\n`).join(''))
  const all = judged.map(({ outcome }) => outcome)
  print(`\nWhat the graphs of the processors showed meanwhile, in per cent:\n${cpuGraphs(all)}`)
  if (showsAnswer) print(`\n${table(judged)}`)
  print(`\n   ${accuracy(judged.map((each) => each.judged))}`)
  if (!showsAnswer) print('   answers     seaworthy lab slow-checkout --answer plants the same again, and shows what the console says.')
  print(`   evidence    ${outDir}: import a trace-….json on the console’s page Traces`)
  return isAsPromised(judged.map((each) => each.judged))
}

/** A server of the lab's own; undefined where its packages are not installed. */
async function postgres(
  print: (text: string) => void,
): Promise<({ readonly database: () => Promise<string> } & AsyncDisposable) | undefined> {
  try {
    // Who waits in a circle is found after a moment, not after a second.
    const server = await startPostgres({ settings: { deadlock_timeout: '100ms' } })
    return {
      database: async () => (await server.createDatabase()).url,
      [Symbol.asyncDispose]: () => server.stop(),
    }
  } catch (error) {
    print(
      `There is no PostgreSQL here (${error instanceof Error ? error.message : String(error)}): stock lies in SQLite, and locks of other programs and queues between processes are left out.\n`,
    )
    return undefined
  }
}

const slowCheckoutLab: Lab = {
  summary:
    'a checkout over five services is slow for ten reasons: the processors’ graphs show none of them, and the trace says which, where and who',
  asks: true,
  run,
}

export default slowCheckoutLab
