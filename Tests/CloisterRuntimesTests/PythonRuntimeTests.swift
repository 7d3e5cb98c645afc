import Foundation
import Testing

@Suite struct PythonRuntimeTests {
    static let runtimes = ["python3.13", "python3.11"]

    static let tenantHeaders = [
        "Lambda-Runtime-Client-Context": #"{"custom":{"tenantId":"blue"},"env":{"locale":"en"}}"#,
        "Lambda-Runtime-Aws-Tenant-Id": "blue",
    ]

    private func driver(_ runtime: String, _ code: String) -> RuntimeDriver { driver(runtime, false, code) }

    private func driver(_ runtime: String, _ isPrebooted: Bool, _ code: String) -> RuntimeDriver {
        RuntimeDriver(
            runtime: runtime, files: ["handler.py": code], handler: "handler.process", isPrebooted: isPrebooted)
    }

    @Test(arguments: runtimes, [false, true])
    func aHandlerReadsTheTenantBothWays(runtime: String, isPrebooted: Bool) throws {
        let code = """
            def process(event, context):
                ctx = context.client_context
                return [event["a"], context.tenant_id, "custom" in ctx, "client" in ctx, ctx["custom"]["tenantId"],
                        ctx.custom["tenantId"], sorted(ctx.keys()), ctx.get("nothing", 1), dict(ctx)["env"], bool(ctx)]
            """
        let report = try driver(runtime, isPrebooted, code).run([.init(headers: Self.tenantHeaders, body: #"{"a":1}"#)])
        let post = try #require(report.posts.first, "\(report.output)")
        #expect(post.path == "/2018-06-01/runtime/invocation/request-1/response")
        #expect(
            post.body == #"[1, "blue", true, false, "blue", "blue", ["custom", "env"], 1, {"locale": "en"}, true]"#)
        #expect(report.status == nil)
    }

    @Test(arguments: runtimes, [false, true])
    func withoutClientContextThereIsNone(runtime: String, isPrebooted: Bool) throws {
        let code = "def process(event, context): return [context.client_context, context.tenant_id]"
        let report = try driver(runtime, isPrebooted, code).run()
        #expect(report.posts.first?.body == "[null, null]", "\(report.output)")
    }

    @Test(arguments: runtimes, [false, true])
    func theClientContextStaysTheOfficialObject(runtime: String, isPrebooted: Bool) throws {
        let code = """
            def process(event, context):
                ctx = context.client_context
                try:
                    ctx["nothing"]
                except KeyError as error:
                    missing = str(error)
                return [repr(ctx), missing, bool(ctx), type(ctx).__module__]
            """
        let report = try driver(runtime, isPrebooted, code).run([.init(headers: ["Lambda-Runtime-Client-Context": "{}"])])
        #expect(
            report.posts.first?.body
                == #"["ClientContext([custom=None,env=None,client=None])", "'nothing'", true, "awslambdaric.lambda_context"]"#,
            "\(report.output)")
    }

    @Test(arguments: runtimes, [false, true])
    func anErrorIsReportedAndTheNextInvocationRuns(runtime: String, isPrebooted: Bool) throws {
        let code = """
            def process(event, context):
                if event["fail"]:
                    raise ValueError("no")
                return "yes"
            """
        let report = try driver(runtime, isPrebooted, code).run([.init(body: #"{"fail":true}"#), .init(body: #"{"fail":false}"#)])
        try #require(report.posts.count == 2, "\(report.output)")
        #expect(report.posts[0].path.hasSuffix("/invocation/request-1/error"))
        #expect(try report.posts[0].object()["errorType"] as? String == "ValueError")
        #expect(report.posts[1].body == #""yes""#)
    }

    @Test(arguments: runtimes, [false, true])
    func aFunctionThatCannotBeImportedIsAnInitError(runtime: String, isPrebooted: Bool) throws {
        let report = try driver(runtime, isPrebooted, "import nothing_like_this").run()
        let post = try #require(report.posts.first, "\(report.output)")
        #expect(post.path == "/2018-06-01/runtime/init/error")
        #expect(post.headers["lambda-runtime-function-error-type"] == "Runtime.ImportModuleError")
        #expect(report.status == 1)
    }

    @Test(arguments: runtimes, [false, true])
    func aFunctionsOwnModulesComeBeforeLayersAndTheRuntimes(runtime: String, isPrebooted: Bool) throws {
        var driver = driver(runtime, isPrebooted, """
            import sys, boto3, six, jmespath
            def process(event, context):
                return [boto3.__file__, six.__file__, jmespath.__file__, sys.path[:4]]
            """)
        driver.files["boto3.py"] = ""
        driver.layers = ["python/boto3.py": "", "python/six.py": ""]
        let report = try driver.run()
        #expect(
            report.posts.first?.body == "[\"/var/task/boto3.py\", \"/opt/python/six.py\", "
                + "\"/var/runtime/jmespath/__init__.py\", [\"/var/task\", \"/opt/python/lib/\(runtime)/site-packages\", "
                + "\"/opt/python\", \"/var/runtime\"]]", "\(report.output)")
    }

    @Test(arguments: runtimes, [false, true])
    func aFunctionCannotShadowWhatTheClientNeeds(runtime: String, isPrebooted: Bool) throws {
        var driver = driver(runtime, isPrebooted, "def process(event, context): return 1")
        driver.files["simplejson.py"] = "raise RuntimeError()"
        driver.files["awslambdaric.py"] = "raise RuntimeError()"
        #expect(try driver.run().posts.first?.body == "1")
    }

    @Test(arguments: runtimes, [false, true])
    func theWrapperScriptGetsTheInterpreter(runtime: String, isPrebooted: Bool) throws {
        var driver = driver(runtime, isPrebooted, "import os\ndef process(event, context): return os.environ['WRAPPED']")
        driver.environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/wrapper"
        driver.layers["wrapper"] = "#!/bin/bash\nexport WRAPPED=\"$#\"\nexec \"$@\"\n"
        #expect(try driver.run().posts.first?.body == #""2""#)
        // Without a #! line the shell runs it.
        driver.layers["wrapper"] = "export WRAPPED=shell\nexec \"$@\"\n"
        #expect(try driver.run().posts.first?.body == #""shell""#)
        driver.environment["AWS_LAMBDA_EXEC_WRAPPER"] = "/opt/missing"
        #expect(try driver.run().status == 127)
    }

    @Test(arguments: runtimes, [false, true])
    func modulesAreAsTheUsualImportMakesThem(runtime: String, isPrebooted: Bool) throws {
        let code = """
            import inspect, importlib.util, logging, re, sys, importlib.metadata
            def process(event, context):
                found = importlib.util.find_spec("logging")
                return [logging.__file__ == found.origin, logging.__spec__.cached == found.cached,
                        inspect.getsource(re.compile).startswith("def compile"), logging.__path__ == list(found.submodule_search_locations),
                        [f for f in sys.meta_path if "Bundle" in type(f).__name__], importlib.metadata.version("boto3") > "1"]
            """
        let report = try driver(runtime, isPrebooted, code).run()
        #expect(report.posts.first?.body == "[true, true, true, true, [], true]", "\(report.output)")
    }

    @Test func theTenantsExampleSeesItsTenantBothWays() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let code = try String(contentsOf: root.appendingPathComponent("Examples/tenants/handler.py"), encoding: .utf8)
        let contextOnly = ["Lambda-Runtime-Client-Context": #"{"custom":{"tenantId":"blue"}}"#]
        let report = try driver("python3.13", code).run([.init(headers: Self.tenantHeaders), .init(headers: contextOnly)])
        try #require(report.posts.count == 2, "\(report.output)")
        #expect(try report.posts[1].object()["tenantsSeen"] as? [String] == ["blue"])
        #expect(try report.posts[1].object()["invocations"] as? Int == 2)
    }

    /// Booted in advance or not, a function finds the same world.
    @Test(arguments: [[:], ["TZ": "Asia/Tokyo"], ["PYTHONUTF8": "0", "PYTHONHASHSEED": "7"], ["LANG": "C"]])
    func whatWasBootedInAdvanceIsLikeAPlainStart(environment: [String: String]) throws {
        let code = """
            import locale, os, sys, time
            def process(event, context):
                loaded = "handler" in sys.modules and sys.modules["handler"].__file__
                # Where the Runtime API is differs from run to run.
                variables = sorted(pair for pair in os.environ.items() if pair[0] != "AWS_LAMBDA_RUNTIME_API")
                return [variables, sys.path, os.getcwd(), time.tzname, sys.flags.utf8_mode, loaded,
                        sys.argv, locale.setlocale(locale.LC_CTYPE), os.listdir("/proc/self/fd").__len__()]
            """
        var bodies: [String] = []
        for isPrebooted in [false, true] {
            var driver = driver("python3.13", isPrebooted, code)
            driver.environment = environment
            let report = try driver.run()
            bodies.append(try #require(report.posts.first, "\(report.output)").body)
        }
        #expect(bodies[0] == bodies[1])
    }

    @Test func aFunctionsOwnModuleWinsOverOneLoadedInAdvance() throws {
        var driver = driver("python3.13", true, """
            import uuid, decimal
            def process(event, context): return [uuid.__file__, decimal.Decimal.__module__]
            """)
        driver.files["uuid.py"] = ""
        let report = try driver.run()
        #expect(report.posts.first?.body == #"["/var/task/uuid.py", "decimal"]"#, "\(report.output)")
    }
}
