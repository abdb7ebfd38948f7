// Loaded before the tests (`npm test`): resolves the scripts' imports and stands in for the browser.

import { register } from 'node:module';
import { install } from './browser.js';

register('./resolve.js', import.meta.url);
install();
