import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab, LabRun } from '@seaworthy/cli'
import { systemClock } from 'seaworthy/core'
import { advice } from './advice.ts'
import { chart } from './chart.ts'
import { figuresOf, isHeld } from './figures.ts'
import { type Measured, measure, type Plan } from './measure.ts'
import { seconds, table } from './report.ts'
import { type SideName, sideOf, SIDES } from './sides.ts'
import { verdict } from './verdict.ts'

const WHOLE: Plan = {
  seed: 1,
  isStartedTwice: true,
  warmUp: { perSecond: 100, seconds: 2.5 },
  mixed: { perSecond: 40, seconds: 4 },
  idleMs: 1_500,
  reads: { perSecond: 120, seconds: 2.5 },
  checkouts: { perSecond: 15, seconds: 2.5 },
  ladder: { perSecond: [80, 160, 320, 640], seconds: 1.2 },
  disturbed: { perSecond: 40, seconds: 4.5 },
  disturbedAtMs: 1_000,
}

const TITLES: Readonly<Record<SideName, string>> = {
  monolith: 'The monolith: every part of the shop in one process, over one database, behind the gateway.',
  microservices: 'The microservices: the same parts by the same code, a process and a database each, behind the same gateway.',
}

export async function run({ outDir, print, seed }: LabRun, plan: Plan = WHOLE): Promise<boolean> {
  const startedMs = systemClock.monotonicMs()
  const measured = {} as Record<SideName, Measured>
  for (const [index, name] of SIDES.entries()) {
    print(`${index + 1}. ${TITLES[name]}`)
    const beganMs = systemClock.monotonicMs()
    const say = (what: string) => print(`   ${seconds(systemClock.monotonicMs() - beganMs).padStart(6)}   ${what}`)
    measured[name] = await measure(sideOf[name], { plan: { ...plan, ...(seed !== undefined && { seed }) }, outDir, say, isHeld })
    print('')
  }
  keep(outDir, measured)
  const figures = { monolith: figuresOf(measured.monolith), microservices: figuresOf(measured.microservices) }
  writeFileSync(join(outDir, 'figures.json'), `${JSON.stringify(figures, null, 2)}\n`)
  writeFileSync(
    join(outDir, 'monolith-or-microservices.svg'),
    chart(SIDES.map((name) => ({ measured: measured[name], figures: figures[name] }))),
  )
  const promised = verdict(figures)
  print(`${promised.map(({ what, holds }) => `   ${holds ? 'yes' : 'NO '}  ${what}`).join('\n')}

${table(figures)}

   When not to leave the monolith, by the figures of this run:
${advice(figures)
  .map((each) => wrapped(each))
  .join('\n')}

   time                   ${seconds(systemClock.monotonicMs() - startedMs)}
   chart and evidence     ${outDir}`)
  return promised.every(({ holds }) => holds)
}

/** Everything that the figures are made from. */
function keep(outDir: string, measured: Readonly<Record<SideName, Measured>>): void {
  const answers = SIDES.flatMap((side) => {
    const { mixed, ladder, deploy, crash } = measured[side]
    return [...mixed, ...ladder.flatMap((step) => step.answers), ...deploy.answers, ...crash.answers].map((answer) => ({ side, ...answer }))
  })
  const events = SIDES.flatMap((side) => {
    const { deploy, crash } = measured[side]
    return [
      { side, phase: 'deploy', event: 'command', atMs: deploy.commandAtMs },
      { side, phase: 'deploy', event: 'the new release takes work', atMs: deploy.readyAtMs },
      { side, phase: 'crash', event: 'the poisoned checkout', atMs: crash.poisonAtMs },
      { side, phase: 'crash', event: `died, ${crash.away.lastExit}`, atMs: crash.away.diedAtMs },
      { side, phase: 'crash', event: 'started again', atMs: crash.away.spawnedAtMs },
      { side, phase: 'crash', event: 'takes work again', atMs: crash.away.readyAtMs },
    ]
  })
  const usage = SIDES.flatMap((side) => [
    ...measured[side].usage.map((each) => ({ side, ...each })),
    ...measured[side].more.map((each) => ({ side, isMore: true, ...each })),
  ])
  for (const [name, all] of Object.entries({ requests: answers, events, usage }))
    writeFileSync(join(outDir, `${name}.jsonl`), all.map((each) => `${JSON.stringify(each)}\n`).join(''))
}

const WIDTH = 118

/** As lines of a list. */
function wrapped(text: string): string {
  const lines: string[] = []
  let line = '   -'
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = '    '
    }
    line += ` ${word}`
  }
  return [...lines, line].join('\n')
}

const monolithOrMicroservicesLab: Lab = {
  summary: 'the same shop as one process and as services: latency, CPU, memory, deploy, a crash in payments, scale; and when not to leave',
  takes: ['seed'],
  run,
}

export default monolithOrMicroservicesLab
