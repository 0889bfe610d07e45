const END = '<!-- end of table -->'

/** The page with the table that a command writes in its place. @throws when the page has no place for it */
export function withTable(page: string, { command, table }: { readonly command: string; readonly table: string }): string {
  const mark = `<!-- table: ${command} -->`
  const start = page.indexOf(mark)
  const end = page.indexOf(END)
  if (start === -1 || end < start) throw new Error(`The page has no ${mark} followed by ${END}.`)
  return `${page.slice(0, start + mark.length)}\n${table}\n${page.slice(end)}`
}
