import { writeFileSync } from 'node:fs'
import type { Plant } from '../plants/plant.ts'
import { prove } from './prove.ts'

const FILE = new URL('../../../docs/simulation-plants.md', import.meta.url)

const OPENING = `# Planted defects

Does the simulation find what it should? Each line is a mistake that teams make, put into a small system on purpose. The system is explored with every
single fault at every point, then with random seeds, until an invariant breaks; then the history is made as small as it gets.

\`npm run simulate -- --plant NAME\` shows the history of one; \`npm run simulate -- --table\` writes this page.

| plant | the mistake | world | runs until found | faults in the smallest history |
|---|---|---|---:|---|
`

/** Finds every plant and writes the page about them. @returns the names of those that were not found */
export async function writeTable(plants: readonly Plant[], options: { readonly seeds: number }): Promise<readonly string[]> {
  const rows: string[] = []
  const missed: string[] = []
  for (const { name, mistake, world } of plants) {
    const { runs, failure } = await prove(world, { exhaustive: 1, seeds: options.seeds })
    if (failure === undefined) missed.push(name)
    const faults = failure?.faults.map(({ kind, index }) => `${kind} at \`${index}\``).join(', ') ?? 'not found'
    rows.push(`| ${name} | ${mistake} | ${world.name} | ${runs} | ${faults === '' ? 'none: it fails by itself' : faults} |`)
    console.log(`${name}: ${failure === undefined ? 'NOT FOUND' : 'found'} in ${runs} runs`)
  }
  writeFileSync(FILE, `${OPENING}${rows.join('\n')}\n`)
  return missed
}
