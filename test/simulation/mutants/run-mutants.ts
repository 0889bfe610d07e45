import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hunted, huntAll } from './hunt.ts'
import { writeMutantsPage } from './page.ts'
import { describe, isEnough, tallyOf } from './tally.ts'
import { targets } from './targets.ts'

const AT_ONCE = 2

export interface MutantOptions {
  /** One source's, by its name; else all. */
  readonly module: string | undefined
  /** Every Nth mutant. */
  readonly sample: number
  /** Whether docs/simulation-mutants.md is written. */
  readonly table: boolean
}

/**
 * Changes the sources of relay, inbox, saga and projection one place at a time, and counts the changes that the worlds notice.
 * @returns whether enough were
 */
export async function runMutants({ module, sample, table }: MutantOptions): Promise<boolean> {
  const chosen = targets.filter(({ name }) => module === undefined || name === module)
  const found = new Map<string, readonly Hunted[]>()
  const cache = mkdtempSync(join(tmpdir(), 'seaworthy-mutants-'))
  try {
    for (const target of chosen) {
      const hunted = await huntAll(target, { sample, atOnce: AT_ONCE, cache, onHunted: (one) => tell(target.file, one) })
      found.set(target.file, hunted)
      console.log(`${target.name.padEnd(26)} ${describe(tallyOf(hunted))}`)
    }
  } finally {
    rmSync(cache, { recursive: true })
  }
  const total = tallyOf([...found.values()].flat())
  console.log(`${'all'.padEnd(26)} ${describe(total)}`)
  if (table) writeMutantsPage(found)
  return isEnough(total)
}

function tell(file: string, { line, within, what, verdict, equivalent }: Hunted): void {
  if (verdict.kind !== 'survived' && verdict.kind !== 'not-reached') return
  const label = equivalent !== undefined ? 'equivalent' : verdict.kind === 'survived' ? 'SURVIVED' : 'NOT REACHED'
  console.log(`  ${label} ${file}:${line} ${within}, ${what}${equivalent === undefined ? '' : ` (${equivalent})`}`)
}
