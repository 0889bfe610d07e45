/** What a command sees of the world outside. */
export interface Terminal {
  readonly env: NodeJS.ProcessEnv
  /** Prints a line, or several, on stdout. */
  readonly print: (text: string) => void
  /** Prints a line, or several, on stderr. */
  readonly printError: (text: string) => void
}

/** Without control characters, by which what a message holds could write to the terminal; lines stay. */
export function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, '\u{fffd}')
}

/** Rows in columns, each as wide as its widest cell. */
export function columns(rows: readonly (readonly string[])[], indent = '  '): string {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)), [])
  return rows.map((row) => (indent + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).trimEnd()).join('\n')
}
