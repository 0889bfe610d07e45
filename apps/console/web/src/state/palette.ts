import { effect, signal } from '@preact/signals'
import { SERVICE_COLOURS } from '../view-model/service-colour.ts'
import { theme } from './theme.ts'

/** Tokens of tokens.css as a canvas takes them: it knows neither variables nor themes. */
export interface Palette {
  readonly text: string
  readonly textMuted: string
  readonly surface: string
  readonly line: string
  readonly warn: string
  readonly error: string
  /** By the number of the colour, from 1. */
  readonly services: readonly string[]
  /** Of small texts. */
  readonly font: string
}

/** As the theme, the system's colour scheme and its forced colours are now. Undefined until somebody draws. */
export const palette = signal<Palette | undefined>(undefined)

let isFollowed = false

/** Reads the palette, and again whenever it changes. */
export function followPalette(): void {
  if (isFollowed) return
  isFollowed = true
  const read = (): void => void (palette.value = readPalette())
  for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)'])
    window.matchMedia(query).addEventListener('change', read)
  effect(() => {
    void theme.value
    // The root has its theme by the effect that was there before this one.
    read()
  })
}

/** What a token is comes out when something has it for its colour. */
function readPalette(): Palette {
  const probe = document.createElement('span')
  probe.className = 'token-probe'
  document.body.append(probe)
  const colour = (token: string): string => {
    probe.style.color = `var(--${token})`
    return getComputedStyle(probe).color
  }
  const { fontSize, fontFamily } = getComputedStyle(probe)
  const services = Array.from({ length: SERVICE_COLOURS }, (_, index) => colour(`service-${index + 1}`))
  const found: Palette = {
    text: colour('text'),
    textMuted: colour('text-muted'),
    surface: colour('surface'),
    line: colour('line'),
    warn: colour('warn'),
    error: colour('error'),
    services: ['', ...services],
    font: `${fontSize} ${fontFamily}`,
  }
  probe.remove()
  return found
}
