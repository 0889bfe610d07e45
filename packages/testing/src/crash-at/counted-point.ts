import { appendFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from 'seaworthy/core'

export interface CountedPoint {
  /** `operation:label` */
  readonly name: string
  /** Counts that the point was reached, and dies there when its time has come. */
  reach(): void
}

/** A label as it stands in an index: without blanks, `#` and `@`, which have a meaning there. */
export function labelOf(text: string): string {
  return text.replaceAll(/[\s#@]+/g, '-')
}

/**
 * Counts how often one point is reached, by all lives of a process: a byte in a file for each. Of `#next`, the life at hand counts alone, and dies when it comes there
 * first. @returns undefined when the point is another service's
 * @throws ConfigurationError when the index is none
 */
export function countedPoint(
  index: string,
  {
    service,
    directory,
    die = killThisProcess,
  }: { readonly service: string; readonly directory: string; readonly die?: (() => void) | undefined },
): CountedPoint | undefined {
  const found = /^([^.\s]+)\.([^#@\s]+)#(next|[1-9]\d*)$/.exec(index)
  if (found === null) {
    throw new ConfigurationError(
      `'${index}' is no point to crash at. It reads service.operation:label#n, as in orders.database:commit:before#3, or #next for the next time in this life; a simulation prints it.`,
    )
  }
  const [, node = '', name = '', times = ''] = found
  if (node !== service) return undefined
  if (times === 'next') return { name, reach: die }
  const file = join(directory, `crash-at-${encodeURIComponent(index)}`)
  return {
    name,
    reach() {
      // Counted first: the process that is started again must not die here again.
      appendFileSync(file, '.')
      if (statSync(file).size === Number(times)) die()
    },
  }
}

/** Does not return: the kernel ends the process before it goes back to this code. */
function killThisProcess(): void {
  process.kill(process.pid, 'SIGKILL')
}
