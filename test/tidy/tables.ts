import type { Breach } from './rules.ts'

/** Rows of a page's tables that have more or fewer cells than their head: a `|` in code ends a cell too, unless it is written `\|`. */
export function tableBreaches(path: string, text: string): Breach[] {
  let isCode = false
  let head: number | undefined
  return text.split('\n').flatMap((line, index) => {
    if (line.startsWith('```')) isCode = !isCode
    if (isCode || !line.startsWith('|')) {
      head = undefined
      return []
    }
    const bars = line.match(/(?<!\\)\|/g)!.length
    head ??= bars
    return bars === head ? [] : [`${path}:${index + 1}: a row of ${bars - 1} cells in a table of ${head - 1}`]
  })
}
