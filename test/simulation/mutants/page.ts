import { writeFileSync } from 'node:fs'
import type { Hunted } from './hunt.ts'
import { killedShare, tallyOf } from './tally.ts'

const FILE = new URL('../../../docs/simulation-mutants.md', import.meta.url)

const OPENING = `# Mutants

What would the simulation miss? Relay, inbox, saga and projection are changed at one place at a time: a condition is negated, a statement dropped, an \`await\` removed, or two
statements change places. Each change is run through the worlds that use the file, with every single fault at every point and some random seeds, until an invariant breaks.

\`npm run simulate -- --mutants\` hunts them all and fails below 90 %; \`--module NAME\` hunts those of one file; with \`--table\` it writes this page.

A mutant that no history comes to counts as one that survived. Equivalent ones were looked at one by one: what they change, nobody could see in a history. They are not counted.

| source | killed | survived | never reached | killed share | equivalent |
|---|---:|---:|---:|---:|---:|
`

/** Writes the page about what became of the mutants of each file. */
export function writeMutantsPage(found: ReadonlyMap<string, readonly Hunted[]>): void {
  const row = (name: string, hunted: readonly Hunted[]) => {
    const tally = tallyOf(hunted)
    const { killed, survived, notReached, equivalent } = tally
    return `| ${name} | ${killed} | ${survived} | ${notReached} | ${(killedShare(tally) * 100).toFixed(1)} % | ${equivalent} |`
  }
  const rows = [...[...found].map(([file, hunted]) => row(file, hunted)), row('all', [...found.values()].flat())]
  const parts = [
    OPENING + rows.join('\n'),
    listed('Alive', found, (one) => isAlive(one) && one.equivalent === undefined),
    listed('Equivalent', found, ({ equivalent }) => equivalent !== undefined),
  ]
  writeFileSync(FILE, `${parts.join('\n\n')}\n`)
}

function isAlive({ verdict }: Hunted): boolean {
  return verdict.kind === 'survived' || verdict.kind === 'not-reached'
}

function listed(title: string, found: ReadonlyMap<string, readonly Hunted[]>, belongs: (one: Hunted) => boolean): string {
  const lines = [...found].flatMap(([file, hunted]) =>
    hunted.filter(belongs).map(({ within, what, verdict, equivalent }) => {
      const why = equivalent ?? (verdict.kind === 'not-reached' ? 'never reached' : 'survived')
      return `- ${file}, \`${within}\`, \`${what.replaceAll('`', "'")}\`: ${why}`
    }),
  )
  return `## ${title}\n${lines.length === 0 ? 'None.' : lines.join('\n')}`
}
