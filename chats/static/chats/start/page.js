import { startPage } from './start.js';

startPage();
