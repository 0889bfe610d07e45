import type { HeaderLine } from './answer-headers.ts'

/** Reads field lines, each with its CRLF, that passed a parser before: what the proxy hands on. */
export function headerLinesOf(lines: string): HeaderLine[] {
  return lines.split('\r\n').flatMap((line): HeaderLine[] => {
    const colon = line.indexOf(':')
    return colon <= 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trim()]]
  })
}
