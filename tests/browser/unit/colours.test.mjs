import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

// The light and the dark value of each colour of colours.css.
const css = readFileSync(`${process.env.PAGE}/colours.css`, 'utf8');
const colours = new Map([...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [name, [light, dark]]));
const themes = [0, 1];
const services = [...colours.keys()].filter((name) => /^c-\d$/.test(name));

const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
const parts = (hex) => [1, 3, 5].map((at) => linear(parseInt(hex.slice(at, at + 2), 16) / 255));
const luminance = (hex) => parts(hex).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
const of = (name, theme) => colours.get(name)[theme];

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

// Machado, Oliveira and Fernandes, 2009, at full severity, in linear RGB.
const BLINDNESS = {
  none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
const times = (matrix, vector) => matrix.map((line) => line.reduce((sum, each, index) => sum + each * vector[index], 0));

/** In OKLab, where distances are those that are seen. */
function seenAs(hex, matrix) {
  const rgb = times(matrix, parts(hex)).map((part) => Math.min(Math.max(part, 0), 1));
  const lms = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], rgb).map(Math.cbrt);
  return times([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]], lms);
}

test('text has a contrast of 4.5 to 1 on every ground', () => {
  const texts = ['ink', 'ink-2', 'ink-3', 'accent', 'error', 'warn', 'good', 'tap'];
  for (const theme of themes) {
    for (const text of texts) for (const ground of ['ground', 'surface', 'sunken', 'hover', 'chosen']) {
      const found = contrast(of(text, theme), of(ground, theme));
      assert.ok(found >= 4.5, `${text} on ${ground}, theme ${theme}: ${found.toFixed(2)}`);
    }
    for (const [text, ground] of [['error', 'error-ground'], ['warn', 'warn-ground'], ['tap', 'tap-ground'], ['on-accent', 'accent']]) {
      const found = contrast(of(text, theme), of(ground, theme));
      assert.ok(found >= 4.5, `${text} on ${ground}, theme ${theme}: ${found.toFixed(2)}`);
    }
  }
});

test('bars and lines that mean something have 3 to 1', () => {
  for (const theme of themes) for (const bar of [...services, 'line-strong', 'tap', 'error']) {
    const found = contrast(of(bar, theme), of('surface', theme));
    assert.ok(found >= 3, `${bar}, theme ${theme}: ${found.toFixed(2)}`);
  }
});

test('services are told apart, and from errors, in every colour blindness', () => {
  assert.equal(services.length, 8);
  for (const theme of themes) for (const [name, matrix] of Object.entries(BLINDNESS)) {
    const all = [...services, 'error'].map((each) => [each, seenAs(of(each, theme), matrix)]);
    all.forEach(([a, first], index) => all.slice(index + 1).forEach(([b, second]) => {
      const distance = Math.hypot(...first.map((part, axis) => part - second[axis]));
      assert.ok(distance >= 0.06, `${a} and ${b}, ${name}, theme ${theme}: ${distance.toFixed(3)}`);
    }));
  }
});
