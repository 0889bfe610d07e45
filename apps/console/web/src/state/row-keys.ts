import type { RefObject } from 'preact'
import { useLayoutEffect } from 'preact/hooks'
import { isHelpOpen } from './help.ts'
import { isTyping } from './keyboard.ts'

/**
 * The arrow keys go from row to row, wherever the focus is: after a change of page it is on no row at all. They begin at the row that
 * `begin` names, or at the first.
 */
export function useRowKeys(table: RefObject<HTMLElement | null>, begin: () => string | undefined = () => undefined): void {
  // Not a moment after the rows can be seen: a key that is pressed at once counts.
  useLayoutEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return
      if (isHelpOpen.value || isTyping(event.target)) return
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
      if (step === 0 || table.current === null) return
      const links = [...table.current.querySelectorAll<HTMLAnchorElement>('a.row-link')]
      const current = links.findIndex((link) => link === document.activeElement)
      const start = Math.max(
        0,
        links.findIndex((link) => link.pathname === begin()),
      )
      links[current === -1 ? start : Math.max(0, Math.min(links.length - 1, current + step))]?.focus()
      event.preventDefault()
    }
    document.addEventListener('keydown', onKeyDown)
    return () => document.removeEventListener('keydown', onKeyDown)
  }, [])
}
