import { signal } from '@preact/signals'

/** Device pixels of a CSS pixel: another one after a zoom, or on another screen. */
export const pixelRatio = signal(window.devicePixelRatio)

function follow(): void {
  const query = window.matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`)
  const changed = (): void => {
    pixelRatio.value = window.devicePixelRatio
    follow()
  }
  query.addEventListener('change', changed, { once: true })
}

follow()
