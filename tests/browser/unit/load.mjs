// The page's modules, from where `run` has put them: node takes a .js file for a module
// only where a package.json says so, and the page's folder has none.

import { pathToFileURL } from 'node:url';

export const load = (name) => import(pathToFileURL(`${process.env.PAGE}/${name}`));
