import type { JSX } from 'preact'
import { colourClass } from '../state/system.ts'

/** A service with its colour. The name is always there: nobody has to tell twelve colours apart. */
export function ServiceName({ name }: { name: string }): JSX.Element {
  return (
    <span class={`service ${colourClass(name)}`} title={name}>
      <span class="swatch" aria-hidden="true" />
      <span class="truncate">{name}</span>
    </span>
  )
}
