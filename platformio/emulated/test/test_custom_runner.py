"""Reads the firmware's report. What reports too little fails: a test that runs nothing is no success."""

from platformio.test.exception import UnitTestSuiteError
from platformio.test.runners.unity import UnityTestRunner


class CustomTestRunner(UnityTestRunner):
    """Unity's format without Unity, which would have to come from the registry."""

    EXTRA_LIB_DEPS = None

    def configure_build_env(self, env):
        """Leave the build as it is: there is no Unity to configure."""
        return env

    def stage_testing(self):
        """Run, then count: the firmware's own total must be there, and be that of the tests that were seen."""
        self.announced = None
        super().stage_testing()
        if self.options.without_testing:
            return
        seen = len(self.test_suite.cases)
        if seen == 0:
            raise UnitTestSuiteError("The firmware ran no test at all.")
        if self.announced != seen:
            raise UnitTestSuiteError(f"The firmware announced {self.announced} tests, but {seen} were seen.")

    def on_testing_line_output(self, line):
        """Note the total."""
        words = line.split()
        if len(words) > 2 and words[1] == "Tests" and words[3] == "Failures":
            self.announced = int(words[0])
        super().on_testing_line_output(line)
