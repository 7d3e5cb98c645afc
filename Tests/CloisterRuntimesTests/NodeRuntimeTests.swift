import Foundation
import Testing

@Suite struct NodeRuntimeTests {
    private func driver(_ file: String, _ code: String, handler: String = "index.handler") -> RuntimeDriver {
        RuntimeDriver(runtime: "nodejs20.x", files: [file: code], handler: handler)
    }

    @Test func anESModuleGetsTheWholeContext() throws {
        let code = """
            export const handler = async (event, context) => [event.a, context.tenantId, context.clientContext.custom.tenantId,
              context.awsRequestId, context.functionName, context.memoryLimitInMB, context.functionVersion,
              context.invokedFunctionArn, context.getRemainingTimeInMillis() > 1000, context.callbackWaitsForEmptyEventLoop];
            """
        let report = try driver("index.mjs", code).run([
            .init(headers: PythonRuntimeTests.tenantHeaders, body: #"{"a":1}"#)
        ])
        #expect(
            report.posts.first?.body
                == #"[1,"blue","blue","request-1","f","256","$LATEST","arn:aws:lambda:eu-west-1:000000000000:function:f",true,true]"#,
            "\(report.output)")
    }

    @Test(arguments: [
        ("src/deep/app.js", "exports.api = { get: async () => 'nested' };", "src/deep/app.api.get", #""nested""#),
        ("index.js", "exports.handler = (e, c, done) => done(null, 'called');", "index.handler", #""called""#),
        ("index.js", "exports.handler = (e, c, done) => { setTimeout(() => done(null, 2), 5); };", "index.handler", "2"),
        ("index.js", "exports.handler = (e, c) => c.succeed('old');", "index.handler", #""old""#),
        ("index.js", "exports.handler = () => {};", "index.handler", "null"),
        ("index.js", "exports.handler = async () => {};", "index.handler", "null"),
        ("index.cjs", "exports.handler = async () => require('path').sep;", "index.handler", #""/""#),
    ])
    func handlersOfEveryKindAnswer(file: String, code: String, handler: String, answer: String) throws {
        let report = try driver(file, code, handler: handler).run([.init(), .init()])
        #expect(report.posts.map(\.body) == [answer, answer], "\(report.output)")
    }

    @Test func packageJSONMakesAJSFileAModule() throws {
        var driver = driver("index.js", "export const handler = async () => 'module';")
        driver.files["package.json"] = #"{"type":"module"}"#
        #expect(try driver.run().posts.first?.body == #""module""#)
    }

    @Test(arguments: [
        ("exports.handler = async () => { throw new TypeError('no'); };", "TypeError", "no"),
        ("exports.handler = (e, c, done) => done(new RangeError('no'));", "RangeError", "no"),
        ("exports.handler = (e, c, done) => done('text');", "string", "text"),
        ("exports.handler = () => { throw new Error('now'); };", "Error", "now"),
    ])
    func errorsHaveLambdasShape(code: String, type: String, message: String) throws {
        let report = try driver("index.js", code).run([.init(), .init()])
        try #require(report.posts.count == 2, "\(report.output)")
        let error = try report.posts[0].object()
        #expect(report.posts[0].path.hasSuffix("/request-1/error"))
        #expect(report.posts[0].headers["lambda-runtime-function-error-type"] == type)
        #expect(error["errorType"] as? String == type)
        #expect(error["errorMessage"] as? String == message)
        #expect(error["trace"] is [String])
    }

    @Test(arguments: [
        ("exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 50)); };",
         "Runtime.UnhandledPromiseRejection"),
        ("exports.handler = async () => { setTimeout(() => { throw new URIError('late'); }); await new Promise(() => setTimeout(() => {}, 100)); };",
         "URIError"),
    ])
    func errorsOutsideTheHandlerEndTheProcess(code: String, type: String) throws {
        let report = try driver("index.js", code).run()
        #expect(try report.posts.first?.object()["errorType"] as? String == type, "\(report.output)")
        #expect(report.status == 129)
    }

    @Test(arguments: [
        ("index.js", "throw new Error('top');", "index.handler", "Error"),
        ("index.js", "require('nothing-like-this');", "index.handler", "Runtime.ImportModuleError"),
        ("index.mjs", "export const = 1;", "index.handler", "Runtime.UserCodeSyntaxError"),
        ("index.js", "exports.other = 1;", "index.handler", "Runtime.HandlerNotFound"),
        ("index.js", "exports.handler = 1;", "index.handler", "Runtime.HandlerNotFound"),
        ("index.js", "", "missing.handler", "Runtime.ImportModuleError"),
        ("index.js", "", "../index.handler", "Runtime.MalformedHandlerName"),
        ("index.js", "", "nodot", "Runtime.MalformedHandlerName"),
    ])
    func initErrorsAreReported(file: String, code: String, handler: String, type: String) throws {
        let report = try driver(file, code, handler: handler).run()
        #expect(report.posts.first?.path == "/2018-06-01/runtime/init/error", "\(report.output)")
        #expect(report.posts.first?.headers["lambda-runtime-function-error-type"] == type)
        #expect(report.status == 1)
    }

    @Test func consoleLinesHaveTimeRequestAndLevel() throws {
        let code = "exports.handler = async () => { console.log('a %d', 1); console.warn('two\\nlines'); };"
        let report = try driver("index.js", code).run()
        let lines = report.output.split(separator: "\n").map { $0.split(separator: "\t").dropFirst().map(String.init) }
        #expect(lines == [["request-1", "INFO", "a 1"], ["request-1", "WARN", "two\rlines"]])
    }

    @Test func jsonLogsHaveTheTenantAndRespectTheLevel() throws {
        var driver = driver("index.js", "exports.handler = async () => { console.info('no'); console.error({ a: 1 }); };")
        driver.environment = ["AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "ERROR"]
        let report = try driver.run([.init(headers: PythonRuntimeTests.tenantHeaders)])
        let record = try #require(
            try JSONSerialization.jsonObject(with: Data(report.output.utf8)) as? [String: Any], "\(report.output)")
        #expect(record["tenantId"] as? String == "blue")
        #expect(record["level"] as? String == "ERROR")
        #expect((record["message"] as? [String: Int]) == ["a": 1])
    }

    @Test func aStreamedResponseHasItsPreludeAndErrorsInTrailers() throws {
        let code = """
            exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
              if (event.early) throw new Error('early');
              stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
              stream.write('one');
              await new Promise((resolve) => setTimeout(resolve, 20));
              if (event.late) throw new Error('late');
              stream.end('two');
            });
            """
        let report = try driver("index.js", code).run([
            .init(), .init(body: #"{"late":true}"#), .init(body: #"{"early":true}"#), .init(),
        ])
        try #require(report.posts.count == 4, "\(report.output)")
        let prelude = "{\"statusCode\":201}" + String(repeating: "\0", count: 8)
        #expect(report.posts[0].headers["lambda-runtime-function-response-mode"] == "streaming")
        #expect(report.posts[0].headers["content-type"] == "application/vnd.awslambda.http-integration-response")
        #expect(report.posts[0].body == prelude + "onetwo")
        #expect(report.posts[1].body == prelude + "one")
        #expect(report.posts[1].trailers["lambda-runtime-function-error-type"] == "Error")
        #expect(report.posts[2].path.hasSuffix("/request-3/error"))
        #expect(report.posts[3].body == prelude + "onetwo")
    }
}
