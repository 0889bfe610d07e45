import { posix } from 'node:path'
import type { Breach } from './rules.ts'

const LINK = /\]\(([^)\s]+)\)/g
const ELSEWHERE = /^(?:[a-z]+:|\/\/)/

/** A page without its code: what stands there is no link and no heading. */
function prose(text: string): string {
  return text
    .replaceAll(/^```.*?^```/gms, (block) => block.replaceAll(/[^\n]/g, ''))
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, '-'))
}

/** What GitHub makes of a heading. */
function anchor(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

/**
 * Links of a page that lead nowhere: to a file that is not there, or to a heading that the page does not have.
 * @param pages the text of every Markdown file, by its path
 * @param paths every file and folder of the repository
 */
export function linkBreaches(path: string, pages: ReadonlyMap<string, string>, paths: ReadonlySet<string>): Breach[] {
  const lines = prose(pages.get(path)!).split('\n')
  return lines.flatMap((line, index) =>
    [...line.matchAll(LINK)].flatMap(([, link]) => {
      if (ELSEWHERE.test(link!)) return []
      const [file = '', heading] = link!.split('#')
      const target = file === '' ? path : posix.join(posix.dirname(path), decodeURIComponent(file)).replace(/\/$/, '')
      if (!paths.has(target)) return [`${path}:${index + 1}: ${link} is not there`]
      const page = pages.get(target)
      if (heading === undefined || page === undefined) return []
      const anchors = [...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) => anchor(text!))
      return anchors.includes(heading) ? [] : [`${path}:${index + 1}: ${target} has no heading #${heading}`]
    }),
  )
}
