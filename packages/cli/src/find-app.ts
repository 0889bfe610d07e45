import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ConfigurationError } from 'seaworthy/core'

/**
 * The main file of a process that is a package of its own: in the checkout that this command runs from, or of the package beside it.
 * @throws ConfigurationError when it is not installed
 */
export function findApp(name: 'relay' | 'gateway', from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const main = join(folder, `apps/${name}/src/main.ts`)
    if (existsSync(main) && existsSync(join(folder, 'ARCHITECTURE.md'))) return main
  }
  for (const place of [join(process.cwd(), 'package.json'), join(from, 'here.js')]) {
    try {
      return join(dirname(createRequire(place).resolve(`@seaworthy/${name}/package.json`)), 'dist/main.js')
    } catch {
      // It is not installed for this place; the next one may see it.
    }
  }
  throw new ConfigurationError(`The ${name} is a package of its own. Install it: npm install @seaworthy/${name}.`)
}
