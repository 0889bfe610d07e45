/** One style for all pages, light and dark by what the reader's system says. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ground: light-dark(#f6f8fa, #10161d);
  --surface: light-dark(#ffffff, #18212b);
  --line: light-dark(#d3dae2, #2f3b48);
  --text: light-dark(#17202a, #e6edf3);
  --muted: light-dark(#566372, #9aa8b6);
  --link: light-dark(#0b5cad, #79b8ff);
  --action: light-dark(#0b5cad, #2f81d7);
  --calm: light-dark(#e3f0fb, #14304b);
  --serious: light-dark(#fde7e4, #4a1d1a);
  --gold: light-dark(#9a6700, #e3b341);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
header { display: flex; flex-wrap: wrap; gap: 12px 20px; align-items: center; padding: 12px 24px; background: var(--surface); border-bottom: 1px solid var(--line); }
header form { display: flex; flex: 1 1 240px; gap: 8px; max-width: 560px; }
header input { flex: 1; min-width: 0; }
.name { font-weight: 700; font-size: 18px; text-decoration: none; color: var(--text); }
.basket { margin-left: auto; text-decoration: none; white-space: nowrap; }
.count { display: inline-block; min-width: 26px; padding: 0 7px; border-radius: 13px; background: var(--action); color: #fff; text-align: center; font-variant-numeric: tabular-nums; }
main { max-width: 1040px; margin: 0 auto; padding: 16px 24px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 12px 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 32px 0 12px; }
footer { padding: 16px 24px; border-top: 1px solid var(--line); color: var(--muted); font-size: 14px; }
.products { list-style: none; padding: 0; margin: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(210px, 1fr)); gap: 16px; }
.products a { display: flex; flex-direction: column; gap: 4px; height: 100%; padding: 16px; background: var(--surface); border: 1px solid var(--line); border-radius: 8px; text-decoration: none; color: var(--text); }
.products a:hover { border-color: var(--action); }
.products .title { font-weight: 600; flex: 1; overflow-wrap: anywhere; }
.category { color: var(--muted); font-size: 14px; margin: 0; }
.row { display: flex; flex-wrap: wrap; gap: 4px 14px; align-items: baseline; margin: 4px 0; }
.price { font-weight: 600; font-variant-numeric: tabular-nums; }
.product .price { font-size: 22px; }
.stars { color: var(--gold); letter-spacing: 1px; }
.muted { color: var(--muted); }
.reviews { list-style: none; padding: 0; }
.reviews li { padding: 8px 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; }
.reviews p { margin: 2px 0; }
.reviews .stars { letter-spacing: 0; }
.notice { padding: 12px 16px; border-radius: 8px; background: var(--calm); }
.notice.serious { background: var(--serious); }
table { width: 100%; border-collapse: collapse; background: var(--surface); border: 1px solid var(--line); }
th, td { padding: 10px 12px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: middle; overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
form label { display: block; margin: 10px 0; }
form.inline { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; }
.checkout { max-width: 460px; }
.checkout label input:not([type=radio]) { display: block; width: 100%; }
fieldset { border: 1px solid var(--line); border-radius: 8px; margin: 16px 0; }
input, button { font: inherit; padding: 7px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--surface); color: var(--text); }
input[type=number] { width: 84px; }
button { cursor: pointer; }
button.primary { background: var(--action); border-color: var(--action); color: #fff; padding: 10px 18px; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.pages { display: flex; justify-content: space-between; gap: 16px; margin-top: 24px; }
.hidden, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 560px) {
  header, main, footer { padding-left: 16px; padding-right: 16px; }
  header form { order: 3; flex-basis: 100%; }
}
`
