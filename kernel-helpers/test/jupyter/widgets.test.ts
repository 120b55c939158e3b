/** What lives in the page: comms, widgets, live views. */
import { testInPython } from "./client.js";

testInPython(["comms_test", "widgets_test", "stream_view_test"], 25);
