import type { ComponentChildren, JSX } from 'preact'

/** What stands where there is nothing to show: why, and what to do next. */
export function EmptyState({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="empty" role="status">
      <h2>{title}</h2>
      <div>{children}</div>
    </div>
  )
}
