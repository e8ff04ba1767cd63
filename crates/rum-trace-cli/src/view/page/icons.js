// Pictures as paths in a square of 16, drawn by their outline.

const PATHS = new Map([
  ['copy', 'M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z'],
  ['done', 'M3 8.5l3.5 3.5L13 4.5'],
  ['failed', 'M4 4l8 8M12 4l-8 8'],
  ['app', 'M5 1.5h6a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1zM7 12.5h2'],
  ['peer', 'M8 1.5l5.6 3.2v6.6L8 14.5l-5.6-3.2V4.7z'],
  ['system', 'M2 3h12v8H2zM5.5 13.5h5M8 11v2.5'],
  ['light', 'M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1.1 1.1M11.9 11.9L13 13M13 3l-1.1 1.1M4.1 11.9L3 13'],
  ['dark', 'M13.5 9.6A6 6 0 1 1 6.4 2.5a4.8 4.8 0 0 0 7.1 7.1z'],
]);

export function iconPath(name) {
  return PATHS.get(name) ?? '';
}
